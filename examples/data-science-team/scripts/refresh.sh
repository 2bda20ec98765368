#!/bin/bash
# Runs at each start, as root.
set -e
echo "Welcome to $CI_NAME of $CI_WORKSPACE."
chown -R "${CI_LOCAL_UBUNTU_USER:-azureuser}" /home/azureuser/.local 2>/dev/null || true
