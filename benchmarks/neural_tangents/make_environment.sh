#!/bin/sh
# The peer's environment in a folder of its own: sh make_environment.sh FOLDER [PYTHON, 3.11 unless given]
set -e
folder=${1:?"give the folder of the environment"}
"${2:-python3}" -m venv "$folder"
# its declared TensorFlow dependencies serve neural_tangents.experimental alone: left out, and that module emptied
"$folder/bin/pip" install --quiet --no-deps neural-tangents==0.6.5
"$folder/bin/pip" install --quiet jax==0.4.30 jaxlib==0.4.30 scipy==1.12 'numpy<2' frozendict==2.5.1
site=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
: > "$site/neural_tangents/experimental/__init__.py"
"$folder/bin/python" -c 'import neural_tangents, jax; print("neural-tangents", neural_tangents.__version__, "jax", jax.__version__)'
