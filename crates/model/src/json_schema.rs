//! JSON Schema of manifests, from the kinds' tables.
