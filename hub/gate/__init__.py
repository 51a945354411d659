"""Gates: small classifiers that say of a picture whether a paid call is worth it."""
