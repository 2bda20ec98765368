//! Expressions: `${…}` in CEL, over variables, `each`, and other resources.
//!
//! An expression is compiled once. Every name it uses is then a binding: a value that is known, or
//! one that ARM makes up and that [`Expression::evaluate`] asks for. Nothing else can be reached: no
//! process environment, no file, no network. What evaluation may cost is bounded (see `run`).

mod compile;
mod run;

use std::fmt;
use std::sync::{Arc, OnceLock};

use cel::IdedExpr;
use cel::common::value::Val;

use crate::{Address, Json};

pub use compile::{Builder, COMPONENT, Name, Scope, is_plain};

/// A value with expressions in it, as one attribute has it.
pub struct Expression {
    text: String,
    template: Template,
    bindings: Vec<Binding>,
    references: Vec<(Address, String)>,
    secret: bool,
    depth: usize,
}

/// What a name in an expression stands for.
#[derive(Clone)]
pub enum Binding {
    /// A known value.
    Known(Arc<Known>),
    /// An attribute of another resource that is itself not known yet.
    Nested(Arc<Expression>),
    /// A value that ARM makes up: the resource, and the value's name.
    Computed(Address, String),
    /// A value that the builder's owner supplies later, by its own number.
    Pending(usize),
}

/// A known value, turned into CEL's form at first use.
pub struct Known {
    json: Json,
    cel: OnceLock<Box<dyn Val>>,
}

/// A value with holes.
#[derive(Clone)]
pub enum Template {
    /// No expression in it.
    Literal(Json),
    /// One `${…}` alone: it keeps its type.
    Code(Arc<IdedExpr>),
    /// Text around and between expressions.
    Text(Vec<Template>),
    /// A list.
    List(Vec<Template>),
    /// A mapping.
    Map(Vec<(String, Template)>),
}

/// How deep expressions may rest on other unknown expressions.
const NESTING_MAX: usize = 16;

impl Expression {
    /// An expression from its text as written, its compiled form, and what its names stand for.
    pub fn new(text: impl Into<String>, template: Template, bindings: Vec<Binding>, secret: bool) -> Self {
        let mut expression = Self {
            text: text.into(),
            template,
            bindings: Vec::new(),
            references: Vec::new(),
            secret,
            depth: 0,
        };
        expression.rebind(bindings);
        expression
    }

    /// The computed values it depends on, each once.
    pub fn references(&self) -> &[(Address, String)] {
        &self.references
    }

    /// Whether a secret takes part in it.
    pub fn is_secret(&self) -> bool {
        self.secret
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What its names stand for, in the order of their slots.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Whether it rests on too many other unknown expressions.
    pub fn is_too_deep(&self) -> bool {
        self.depth > NESTING_MAX
    }

    /// The same with other things for its names to stand for.
    pub fn with(&self, bindings: Vec<Binding>) -> Self {
        Self::new(self.text.clone(), self.template.clone(), bindings, self.secret)
    }

    /// Whether something is still to be supplied, in it or in what it rests on.
    pub fn is_pending(&self) -> bool {
        self.bindings.iter().any(|binding| match binding {
            Binding::Pending(_) => true,
            Binding::Nested(inner) => inner.is_pending(),
            Binding::Known(_) | Binding::Computed(..) => false,
        })
    }

    /// Replaces what the names stand for; a secret among them makes the whole secret.
    pub fn rebind(&mut self, bindings: Vec<Binding>) {
        self.references.clear();
        for binding in &bindings {
            let found = match binding {
                Binding::Computed(address, name) => vec![(address.clone(), name.clone())],
                Binding::Nested(inner) => {
                    self.secret |= inner.secret;
                    self.depth = self.depth.max(inner.depth + 1);
                    inner.references.clone()
                }
                Binding::Known(_) | Binding::Pending(_) => Vec::new(),
            };
            for reference in found {
                if !self.references.contains(&reference) {
                    self.references.push(reference);
                }
            }
        }
        self.bindings = bindings;
    }

    /// Marks it as secret.
    pub fn make_secret(&mut self) {
        self.secret = true;
    }

    /// Its value, with computed values from `lookup`; `None` while one of them is unknown.
    pub fn evaluate(&self, lookup: &dyn Fn(&Address, &str) -> Option<Json>) -> Result<Option<Json>, String> {
        run::evaluate(self, lookup)
    }
}

/// Says nothing of bindings, which may be secrets.
impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("text", &self.text).field("references", &self.references).finish()
    }
}

impl Known {
    /// Wraps a value.
    pub fn new(json: Json) -> Self {
        Self { json, cel: OnceLock::new() }
    }

    /// The value.
    pub fn json(&self) -> &Json {
        &self.json
    }

    fn cel(&self) -> &dyn Val {
        self.cel.get_or_init(|| run::to_val(&self.json)).as_ref()
    }
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;

    /// `vars.*` from a JSON object, `instance["a"].state` as a computed value.
    struct Vars(Json);

    impl Scope for Vars {
        fn bind(&mut self, name: &Name) -> Result<(Binding, usize), String> {
            match name {
                Name::Variable(name) => {
                    let value = self.0.get(name).ok_or_else(|| format!("there is no variable `{name}`"))?;
                    Ok((Binding::Known(Arc::new(Known::new(value.clone()))), 0))
                }
                Name::Resource { kind, keys, path } => {
                    let address = Address::new(kind, None, &keys[0], keys.get(1).map(String::as_str));
                    Ok((Binding::Computed(address, path[0].clone()), 1))
                }
                _ => Ok((Binding::Known(Arc::new(Known::new(json!("x")))), 0)),
            }
        }
    }

    fn compile(text: &str, vars: Json) -> Result<Expression, String> {
        let mut scope = Vars(vars);
        let mut builder = Builder::new(&mut scope);
        let template = builder.text(text)?;
        Ok(builder.finish(text, template))
    }

    fn run(text: &str, vars: Json) -> Result<Json, String> {
        compile(text, vars)?.evaluate(&|_, _| None).map(|v| v.expect("known"))
    }

    #[test]
    fn one_expression_alone_keeps_its_type() {
        assert_eq!(run("${vars.n + 1}", json!({"n": 2})), Ok(json!(3)));
        assert_eq!(run("${vars.m}", json!({"m": {"a": [1, true, null]}})), Ok(json!({"a": [1, true, null]})));
        assert_eq!(run("a-${vars.n}-$${b}", json!({"n": 2})), Ok(json!("a-2-${b}")));
        assert_eq!(run("${ {'a': '}'}['a'] }", json!({})), Ok(json!("}")));
        assert_eq!(
            run("${vars.l.map(x, x.lowerAscii()).join('-')}", json!({"l": ["A", "B"]})),
            Ok(json!("a-b"))
        );
        assert_eq!(run("${has(vars.m.b) ? 1 : 2}", json!({"m": {"a": 1}})), Ok(json!(2)));
        assert_eq!(run("${vars.l.filter(x, x != 'A').size()}", json!({"l": ["A", "B"]})), Ok(json!(1)));
    }

    #[test]
    fn computed_values_are_asked_for() {
        let expression = compile("ssh ${instance['a']['k'].state}", json!({})).expect("compiles");
        let address = Address::new("instance", None, "a", Some("k"));
        assert_eq!(expression.references(), [(address, "state".to_owned())]);
        assert_eq!(expression.evaluate(&|_, _| None), Ok(None));
        assert_eq!(expression.evaluate(&|_, _| Some(json!("Running"))), Ok(Some(json!("ssh Running"))));
    }

    #[test]
    fn mistakes_are_plain_words() {
        let words = |text| run(text, json!({"n": 2, "m": {}})).expect_err("refused");
        assert_eq!(words("${vars.x}"), "there is no variable `x`");
        assert_eq!(
            words("${nope}"),
            "`nope` means nothing here; expressions know `vars.NAME`, `each.key`, `each.value`, `environment`, `self.name` and resources such as `workspace[\"id\"].name`"
        );
        assert_eq!(words("${vars.m.k}"), "there is no key `k`");
        assert_eq!(words("${vars.n + 'a'}"), "`+` does not work on these values");
        assert_eq!(words("${1 / 0}"), "division by zero");
        assert_eq!(words("a ${vars.m}"), "a mapping cannot stand inside text");
        assert_eq!(words("${vars.n"), "`${` is never closed by `}`; a literal `${` is written `$${`");
        assert!(words("${1 +}").starts_with("this is not a valid expression"), "{}", words("${1 +}"));
        assert_eq!(words("${}"), "`${}` has no expression in it");
        assert_eq!(words("${env('HOME')}"), "there is no function `env`");
    }

    #[test]
    fn bombs_end_quickly() {
        let list: Vec<i64> = (0..10_000).collect();
        let vars = json!({"l": list, "s": "x".repeat(1000)});
        let deep = format!("${{{}1{}}}", "(".repeat(1500), ")".repeat(1500));
        let minus = format!("${{{}1}}", "-".repeat(1500));
        let not = format!("${{{}true}}", "!".repeat(1500));
        let fields = format!("${{vars.s{}}}", ".a".repeat(900));
        let doubling = format!("${{[vars.s]{}}}", ".map(a, a + a)".repeat(60));
        let lists = format!("${{[vars.s]{}}}", ".map(a, [a, a])".repeat(60));
        let sum = format!("${{1{}}}", " + 1".repeat(450));
        let ternary = format!("${{{}1}}", "true ? 1 : ".repeat(150));
        let brackets = format!("${{{}{}}}", "[".repeat(900), "]".repeat(900));
        for text in [
            "${vars.l.map(a, vars.l.map(b, a + b)).size()}",
            "${vars.l.all(a, vars.l.all(b, vars.l.all(c, true)))}",
            "${[vars.s].map(x, x.replace('x', vars.s).replace('x', vars.s))}",
            "${vars.l.map(a, vars.s)}",
            &deep,
            &minus,
            &not,
            &fields,
            &doubling,
            &lists,
            &sum,
            &ternary,
            &brackets,
        ] {
            // That it ends at all is what is tested: unbounded, each of these outlives the universe.
            drop(run(text, vars.clone()));
        }
        assert_eq!(run("${vars.l.map(a, a + 1).size()}", vars), Ok(json!(10_000)));
    }

    #[test]
    fn debug_says_nothing_of_values() {
        let expression =
            compile("${vars.p + instance['a'].state}", json!({"p": "canary"})).expect("compiles");
        assert!(!format!("{expression:?}").contains("canary"));
    }
}
