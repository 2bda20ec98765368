#!/bin/bash
# Makes a conda environment with the given packages, for the instance's user.
set -euo pipefail
packages="$*"

sudo -u azureuser -i bash <<SETUP
set -euo pipefail
conda create --yes --name team python=3.12
conda activate team
pip install ${packages} ipykernel
python -m ipykernel install --user --name team --display-name "Team"
SETUP
