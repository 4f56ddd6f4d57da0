"""What all tests have in common: choices that were measured on this machine are neither used nor made."""

from __future__ import annotations

import os

os.environ["ASTRA_TUNING"] = "0"
