//! What the emulator promises, driven through the pure world where that is enough and over HTTP where it is not.

mod cluster;
mod durable;
mod http;
mod instance;
mod published;
mod resources;
mod rules;
mod scale;
mod support;
mod workspace;
