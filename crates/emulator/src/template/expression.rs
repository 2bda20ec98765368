//! The template language's expressions: text in, tree out.
//!
//! A string is an expression when it stands in brackets; `[[` at the start makes it plain text again. Inside are calls,
//! texts in single quotes, whole numbers, `.member` and `[index]`. Length and depth are bounded.

/// ARM's own limit, in characters.
const LENGTH_MAX: usize = 24_576;

/// Deep enough for any template, and far from the end of the stack.
const DEPTH_MAX: usize = 64;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Text(String),
    Number(i64),
    Call(String, Vec<Expression>),
    Member(Box<Expression>, String),
    Index(Box<Expression>, Box<Expression>),
}

/// What a string of a template is.
#[derive(Debug, PartialEq)]
pub(crate) enum Meaning {
    Literal(String),
    Computed(Expression),
}

/// Tells whether a string is an expression, and reads it.
///
/// # Errors
/// What is wrong with the expression.
pub(crate) fn read(text: &str) -> Result<Meaning, String> {
    if let Some(escaped) = text.strip_prefix("[[") {
        return Ok(Meaning::Literal(format!("[{escaped}")));
    }
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => parse(inside).map(Meaning::Computed).map_err(|problem| {
            format!("Unable to parse language expression '{}': {problem}", shortened(inside))
        }),
        None => Ok(Meaning::Literal(text.to_owned())),
    }
}

/// The string that `read` takes for this literal text.
pub(crate) fn quoted(text: &str) -> String {
    if text.starts_with('[') { format!("[{text}") } else { text.to_owned() }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

fn parse(text: &str) -> Result<Expression, String> {
    if text.chars().count() > LENGTH_MAX {
        return Err(format!("it is longer than {LENGTH_MAX} characters"));
    }
    let mut parser = Parser { rest: text, depth: 0 };
    let expression = parser.expression()?;
    match parser.rest.trim_start() {
        "" => Ok(expression),
        rest => Err(format!("expected the end, found '{}'", shortened(rest))),
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, token: char) -> bool {
        let after = self.rest.trim_start().strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, token: char) -> Result<(), String> {
        if self.take(token) {
            Ok(())
        } else {
            Err(format!("expected '{token}' at '{}'", shortened(self.rest)))
        }
    }

    fn expression(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("it is nested too deeply".to_owned());
        }
        let mut expression = self.primary()?;
        for _ in 0..DEPTH_MAX {
            if self.take('.') {
                expression = Expression::Member(Box::new(expression), self.name()?);
            } else if self.take('[') {
                let index = self.expression()?;
                self.expect(']')?;
                expression = Expression::Index(Box::new(expression), Box::new(index));
            } else {
                self.depth -= 1;
                return Ok(expression);
            }
        }
        Err("it has too many members in a row".to_owned())
    }

    fn primary(&mut self) -> Result<Expression, String> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next() {
            Some('\'') => self.text(),
            Some(first) if first == '-' || first.is_ascii_digit() => self.number(),
            _ => self.call(),
        }
    }

    fn text(&mut self) -> Result<Expression, String> {
        let mut text = String::new();
        self.rest = &self.rest[1..];
        loop {
            let (before, after) = self.rest.split_once('\'').ok_or("a text without its closing quote")?;
            text.push_str(before);
            self.rest = after;
            match after.strip_prefix('\'') {
                Some(more) => self.rest = more,
                None => return Ok(Expression::Text(text)),
            }
            text.push('\'');
        }
    }

    fn number(&mut self) -> Result<Expression, String> {
        let digits = |character: char| character.is_ascii_digit();
        let sign = usize::from(self.rest.starts_with('-'));
        let length = self.rest[sign..].find(|character| !digits(character)).unwrap_or(self.rest.len() - sign);
        let (number, rest) = self.rest.split_at(sign + length);
        self.rest = rest;
        number.parse().map(Expression::Number).map_err(|_| format!("'{number}' is no whole number"))
    }

    fn name(&mut self) -> Result<String, String> {
        let rest = self.rest.trim_start();
        let belongs = |character: char| character.is_alphanumeric() || character == '_' || character == '$';
        let length = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        if length == 0 || rest.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(format!("expected a name at '{}'", shortened(rest)));
        }
        self.rest = &rest[length..];
        Ok(rest[..length].to_owned())
    }

    /// A call; a function of the template's own is written with its namespace.
    fn call(&mut self) -> Result<Expression, String> {
        let mut name = self.name()?;
        if self.take('.') {
            name = format!("{name}.{}", self.name()?);
        }
        self.expect('(')?;
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(Expression::Call(name, arguments));
        }
        loop {
            arguments.push(self.expression()?);
            if self.take(')') {
                return Ok(Expression::Call(name, arguments));
            }
            self.expect(',')?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(text: &str) -> Expression {
        match read(text) {
            Ok(Meaning::Computed(expression)) => expression,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn brackets_make_an_expression_and_two_of_them_do_not() {
        for text in ["", "plain", "[half", "half]", "a [b]"] {
            assert_eq!(read(text), Ok(Meaning::Literal(text.to_owned())), "{text}");
        }
        assert_eq!(read("[[parameters('x')]"), Ok(Meaning::Literal("[parameters('x')]".to_owned())));
        assert_eq!(read(&quoted("[x]")), Ok(Meaning::Literal("[x]".to_owned())));
        assert_eq!(quoted("x"), "x");
    }

    #[test]
    fn calls_nest_and_are_followed_by_members_and_indices() {
        let text = "[ concat( 'it''s', -5 , parameters('a').b[0]['c'] ) ]";
        let call = |name: &str, arguments| Expression::Call(name.to_owned(), arguments);
        let of = |text: &str| Expression::Text(text.to_owned());
        let member = Expression::Member(Box::new(call("parameters", vec![of("a")])), "b".to_owned());
        let index = Expression::Index(Box::new(member), Box::new(Expression::Number(0)));
        let index = Expression::Index(Box::new(index), Box::new(of("c")));
        assert_eq!(computed(text), call("concat", vec![of("it's"), Expression::Number(-5), index]));
        assert_eq!(computed("[own.name()]"), call("own.name", vec![]));
        assert_eq!(computed("[f()\n.x]"), Expression::Member(Box::new(call("f", vec![])), "x".to_owned()));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = format!("[{}1{}]", "f(".repeat(100), ")".repeat(100));
        let chain = format!("[f(){}]", ".x".repeat(1_000));
        let long = format!("[f('{}')]", "x".repeat(LENGTH_MAX));
        for text in [
            "[]",
            "[f]",
            "[f(]",
            "[f('a]",
            "[f() g()]",
            "[f(1,)]",
            "[f(1.5)]",
            "[f().]",
            "[-]",
            &deep,
            &chain,
            &long,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
