"""How long the text gate's network takes in OpenVINO, beside torch; docs/numbers.md quotes it."""

from __future__ import annotations

import sys

# Beside this file lies one with the name of the agent's package, which must not be found in its place.
sys.path.append(sys.path.pop(0))

from support.gate_speed import main

main()
