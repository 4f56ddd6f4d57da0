"""lit configuration: tests are ``.mlir`` and ``.py`` files with ``RUN:`` lines, checked with filecheck.

The tools run as modules of the Python that runs lit, so the same tests serve an installed package, an editable
install and a source tree.  Tests are hermetic: one that generates code names its target CPU or GPU.
"""

import importlib.util
import os
import sys

import lit.formats

config.name = "astra"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".py"]
config.excludes = ["lit.cfg.py", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.environ.get("ASTRA_LIT_OUTPUT", os.path.join(config.test_source_root, "Output"))

repository = os.path.dirname(config.test_source_root)
in_source_tree = os.path.isdir(os.path.join(repository, "astra_mlir", "passes"))
path = os.environ.get("PYTHONPATH", "")
config.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [repository if in_source_tree else "", path]))
config.environment["ASTRA_CACHE_DIR"] = os.path.join(config.test_exec_root, "cache")
config.environment["ASTRA_TUNING"] = "0"

python = sys.executable
for name, module in {
    "%astra-opt": "astra_mlir.tools.astra_opt",
    "%astra-run": "astra_mlir.tools.astra_run",
    "%astra-translate": "astra_mlir.tools.astra_translate",
    "%filecheck": "filecheck",
}.items():
    config.substitutions.append((name, f"{python} -m {module}"))
config.substitutions.append(("%python", python))

for feature, module in {"jax": "jax", "torch": "torch", "sklearn": "sklearn"}.items():
    if importlib.util.find_spec(module) is not None:
        config.available_features.add(feature)
