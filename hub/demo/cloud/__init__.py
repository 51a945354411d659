"""Local stand-ins for what the cloud path talks to; tests use them and the demo starts them."""
