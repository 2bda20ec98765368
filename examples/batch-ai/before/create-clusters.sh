#!/bin/sh
# How such clusters were made when the service stood. `plumb migrate batch-ai --commands` reads it; nothing runs it.

az batchai workspace create -g recipes -n recipes -l eastus

az batchai cluster create -n nc6 -g recipes -w recipes -s Standard_NC6 -t 1 \
    -u demo -k "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1vNqwD0dsRk5mQOgWc4bYhF0V8o5aGPnRk7lB1q2Wf team@example.com"

az batchai cluster create -n auto -g recipes -w recipes -s Standard_NC6 --min 0 --max 3 --use-auto-storage \
    -u demo -k "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1vNqwD0dsRk5mQOgWc4bYhF0V8o5aGPnRk7lB1q2Wf team@example.com"

az batchai cluster create -n prepared -g recipes -w recipes -f before/cluster.json --image UbuntuDSVM \
    --storage-account-name baiqwertyuiopas --afs-name share --nfs nfs \
    --setup-task 'apt-get install -y jq' --setup-task-output '$AZ_BATCHAI_MOUNT_ROOT/afs' -u demo -p not-a-real-password
