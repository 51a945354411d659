"""How many frames a second the camera agent looks at, beside OpenVINO alone; docs/numbers.md quotes it."""

from __future__ import annotations

import sys

# This file has the name of the agent's package, and must not be found in its place.
sys.path.append(sys.path.pop(0))

from support.agent_speed import main

main()
