"""Life cycles, each one readable table of transitions and nothing else.

A module per subject declares its `Machine`; importing this package registers all of them. `flask machines`
prints each as a Mermaid diagram.
"""

import importlib
import pkgutil

from portal.machines.machine import MACHINES, Machine

__all__ = ["MACHINES", "Machine"]

for _module in pkgutil.iter_modules(__path__):
    if _module.name != "machine":
        importlib.import_module(f"{__name__}.{_module.name}")
