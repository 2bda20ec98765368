//! `plumb schema`: the JSON Schemas of what people write.

use manifest::json_schema;

use crate::args::{Schema, SchemaOf};
use crate::exit::Exit;
use crate::output;

/// Prints one.
pub fn run(args: &Schema) -> Exit {
    let schema = match args.of {
        SchemaOf::Manifest => json_schema::manifest(),
        SchemaOf::Component => json_schema::component(),
    };
    output::result(&output::json(&schema));
    Exit::Done
}
