//! The YAML crate's errors in plain words, each with what to do.

use granit_parser::ErrorKind;

/// What is wrong, and what to do.
pub(super) fn explain(kind: &ErrorKind) -> (String, &'static str) {
    use ErrorKind as E;
    let (words, help) = match kind {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabAtBlockScalarStart
        | E::TabInIndentation
        | E::TabInPlainScalar => ("a tab stands where YAML wants spaces", "indent with spaces only"),
        E::UnexpectedCharacter { character } => return unexpected(*character),
        E::UnknownAnchor => (
            "this alias names no anchor that stands before it in the same document",
            "write `&name` at the value that `*name` means; a text that starts with `*` needs quotes",
        ),
        E::RecursionLimitExceeded => ("values are nested too deeply", "at most 64 levels are read"),
        E::UnclosedFlowCollection { open } => {
            return (format!("`{open}` is never closed"), "close it, or put the text in quotes");
        }
        E::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("`{open}` is closed by `{close}`"), "close it with the bracket that fits");
        }
        E::MisplacedFlowCollectionEnd => {
            ("a bracket closes here that was never opened", "remove it, or put the text in quotes")
        }
        E::UnexpectedEofFlowSequence => ("the file ends inside a list", "close it with `]`"),
        E::UnexpectedEofFlowMapping | E::UnexpectedEofImplicitFlowMapping => {
            ("the file ends inside a mapping", "close it with `}`")
        }
        E::UnclosedQuotedScalar => ("a quoted text is never closed", "close it with the same quote"),
        E::ExpectedFlowMappingSeparator | E::ExpectedFlowSequenceSeparator => (
            "a `,` or a closing bracket is missing here",
            "separate entries with `,`; a text that starts with a bracket, such as `${…}` inside `{ }`, needs quotes",
        ),
        E::MappingValueNotAllowed | E::InvalidColonPlacement | E::MappingKeyNotAllowed => (
            "a key and value cannot stand here",
            "check the indentation; a text that has `: ` in it needs quotes",
        ),
        E::SimpleKeyExpected | E::InvalidSimpleKey | E::ExpectedBlockMappingKey => (
            "a key with `:` is expected here",
            "write `key: value`; keys of one mapping start in the same column",
        ),
        E::InvalidIndentation
        | E::InvalidBlockScalarIndent
        | E::InvalidQuotedScalarIndent
        | E::InvalidFlowScalarIndent
        | E::ZeroBlockScalarIndent => {
            ("the indentation does not fit what stands above", "line it up with its neighbours")
        }
        E::ExpectedBlockSequenceEntry | E::BlockSequenceEntryNotAllowed | E::BlockEntryInFlowCollection => {
            ("a list entry cannot stand here", "check the indentation of `- `")
        }
        E::UnknownQuotedScalarEscape | E::InvalidQuotedScalarHexEscape | E::InvalidUnicodeEscape => (
            "this `\\` escape does not exist",
            "write `\\\\` for a backslash, or use single quotes, in which it needs no escape",
        ),
        E::UndeclaredTagHandle => ("this `!` tag is not known", "remove it; manifests use no tags"),
        E::CommentNotSeparated => ("a comment needs a space before its `#`", "write ` #`, or quote the text"),
        E::DirectiveDisallowed => ("manifests use no `%` directives", "remove the line"),
        _ => {
            ("this is not valid YAML", "check the indentation, colons and quotes here and in the line above")
        }
    };
    (words.to_owned(), help)
}

fn unexpected(character: char) -> (String, &'static str) {
    match character {
        '\0' => ("the file has a NUL character".to_owned(), "save it as UTF-8 text"),
        '@' | '`' | '%' => (format!("a value cannot start with `{character}`"), "put the text in quotes"),
        c if c.is_control() => {
            (format!("the file has a control character, {}", c.escape_unicode()), "remove it")
        }
        c => (format!("`{c}` cannot stand here"), "put the text in quotes, or check the line above"),
    }
}
