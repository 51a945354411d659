"""How many drawn photographs of books' barcodes are read, over angle and blur; docs/isbn.md quotes it."""

from __future__ import annotations

import sys

# Beside this file lies one with the name of the plugins' package, which must not be found in its place.
sys.path.append(sys.path.pop(0))

from support.barcode_rates import main

main()
