"""The edge agent: camera, model, spool and link. Imports from `hub` only event, errors, wire and draw."""
