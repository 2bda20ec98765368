//! From text to a compiled form: finds `${…}`, parses the CEL, and replaces every name by a slot.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, ListExpr, LiteralValue, MapExpr, SelectExpr,
};
use cel::{Env, IdedExpr};

use super::{Binding, Expression, Known, Template, run};
use crate::{Json, kinds};

const LENGTH_MAX: usize = 2_000;
const BRACKETS_MAX: usize = 24;
const DEPTH_MAX: usize = 32;
const MACROS_MAX: usize = 2;

/// Functions that expressions may call; operators have names of their own.
const FUNCTIONS: [&str; 22] = [
    "bool",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "indexOf",
    "int",
    "join",
    "lowerAscii",
    "replace",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
    "charAt",
    "lastIndexOf",
    "reverse",
];

/// Functions whose result can be much larger than what they are given.
const GROWING: [&str; 3] = ["join", "replace", "split"];

const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(run::environment()));

/// A name that an expression uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// `vars.NAME`.
    Variable(String),
    /// `inputs.NAME`, inside a component.
    Input(String),
    /// `vars` as a whole.
    Variables,
    /// `each.key`.
    EachKey,
    /// `each.value`.
    EachValue,
    /// `environment`.
    Environment,
    /// `self.name`.
    SelfName,
    /// `kind["key"]["key"].path`; `kind.key.path` is the same. Also `component["use"]["key"].output`.
    Resource {
        /// The kind's name, or [`COMPONENT`].
        kind: String,
        /// One key, or two for an element of a `for_each`.
        keys: Vec<String>,
        /// What stands after them.
        path: Vec<String>,
    },
}

/// What the outputs of a component's use are reached by: `component["team-a"].subnet_id`.
pub const COMPONENT: &str = "component";

/// What names stand for.
pub trait Scope {
    /// The binding of a name, and how many segments of a resource's path it takes up. The error is in
    /// plain words.
    fn bind(&mut self, name: &Name) -> Result<(Binding, usize), String>;
}

/// Whether a text has no expression in it, and no `$${` either.
pub fn is_plain(text: &str) -> bool {
    !text.contains("${")
}

/// Compiles the texts of one value.
pub struct Builder<'s> {
    scope: &'s mut dyn Scope,
    names: Vec<(Name, usize)>,
    bindings: Vec<Binding>,
}

impl<'s> Builder<'s> {
    /// A builder in which names mean what `scope` says.
    pub fn new(scope: &'s mut dyn Scope) -> Self {
        Self { scope, names: Vec::new(), bindings: Vec::new() }
    }

    /// Compiles one text.
    pub fn text(&mut self, text: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let escaped = rest[..at].ends_with('$');
            literal.push_str(&rest[..at - usize::from(escaped)]);
            rest = &rest[at + 2..];
            if escaped {
                literal.push_str("${");
                continue;
            }
            let end = closing(rest).ok_or("`${` is never closed by `}`; a literal `${` is written `$${`")?;
            if !literal.is_empty() {
                pieces.push(Template::Literal(Json::from(std::mem::take(&mut literal))));
            }
            pieces.push(Template::Code(Arc::new(self.code(&rest[..end])?)));
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        Ok(match pieces.pop() {
            None => Template::Literal(Json::from(literal)),
            Some(only) if pieces.is_empty() && literal.is_empty() => only,
            Some(last) => {
                pieces.push(last);
                if !literal.is_empty() {
                    pieces.push(Template::Literal(Json::from(literal)));
                }
                Template::Text(pieces)
            }
        })
    }

    /// The expression, once every text is compiled.
    pub fn finish(self, text: impl Into<String>, template: Template) -> Expression {
        Expression::new(text, template, self.bindings, false)
    }

    fn code(&mut self, source: &str) -> Result<IdedExpr, String> {
        check_source(source)?;
        self.rewrite(parsed(source)?, &mut Vec::new(), 0, 0)
    }

    /// Replaces names by slots and bounds what can grow.
    fn rewrite(
        &mut self,
        node: IdedExpr,
        locals: &mut Vec<String>,
        depth: usize,
        macros: usize,
    ) -> Result<IdedExpr, String> {
        if depth > DEPTH_MAX {
            return Err("the expression is nested too deeply; split it, or compute less".to_owned());
        }
        let id = node.id;
        let expr = match node.expr {
            expr @ (Expr::Ident(_) | Expr::Select(_)) => self.chain(expr, locals, depth, macros)?,
            Expr::Call(call) if call.func_name == "_[_]" => {
                self.chain(Expr::Call(call), locals, depth, macros)?
            }
            Expr::Call(call) => self.call(call, locals, depth, macros)?,
            Expr::Comprehension(inner) => self.comprehension(*inner, locals, depth, macros)?,
            // An empty list is what `map` starts from; CEL appends in place only to a bare one.
            Expr::List(list) if list.elements.is_empty() => Expr::List(list),
            Expr::List(list) => {
                let elements = self.all(list.elements, locals, depth, macros)?;
                run::bounded(Expr::List(ListExpr::new(elements)))
            }
            Expr::Map(map) => {
                let entries = map.entries.into_iter().map(|e| self.entry(e, locals, depth, macros));
                run::bounded(Expr::Map(MapExpr { entries: entries.collect::<Result<_, _>>()? }))
            }
            Expr::Literal(literal) => Expr::Literal(literal),
            Expr::Struct(_) | Expr::Unspecified => return Err("this is not a valid expression".to_owned()),
        };
        Ok(IdedExpr { id, expr })
    }

    fn all(
        &mut self,
        nodes: Vec<IdedExpr>,
        locals: &mut Vec<String>,
        depth: usize,
        macros: usize,
    ) -> Result<Vec<IdedExpr>, String> {
        nodes.into_iter().map(|n| self.rewrite(n, locals, depth + 1, macros)).collect()
    }

    fn entry(
        &mut self,
        entry: IdedEntryExpr,
        locals: &mut Vec<String>,
        depth: usize,
        macros: usize,
    ) -> Result<IdedEntryExpr, String> {
        let EntryExpr::MapEntry(mut inner) = entry.expr else {
            return Err("this is not a valid expression".to_owned());
        };
        inner.key = self.rewrite(inner.key, locals, depth + 1, macros)?;
        inner.value = self.rewrite(inner.value, locals, depth + 1, macros)?;
        Ok(IdedEntryExpr { id: entry.id, expr: EntryExpr::MapEntry(inner) })
    }

    fn call(
        &mut self,
        call: CallExpr,
        locals: &mut Vec<String>,
        depth: usize,
        macros: usize,
    ) -> Result<Expr, String> {
        let name = call.func_name.clone();
        let operator = name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '.')
            && name != "_[?_]"
            && name != "_?._";
        if !operator && !FUNCTIONS.contains(&name.as_str()) {
            return Err(format!("there is no function `{name}`"));
        }
        let accumulates = name == "_+_"
            && call.args.first().is_some_and(
                |a| matches!(&a.expr, Expr::Ident(n) if locals.contains(n) && n.starts_with('@')),
            );
        let target = call.target.map(|t| self.rewrite(*t, locals, depth + 1, macros)).transpose()?;
        let mut target = target.map(Box::new);
        let mut args = self.all(call.args, locals, depth, macros)?;
        if accumulates {
            args = args.into_iter().map(run::unwrapped).collect();
        }
        if GROWING.contains(&name.as_str()) {
            target = target.map(|t| Box::new(run::small(*t)));
            args = args.into_iter().map(run::small).collect();
        }
        let grows = (name == "_+_" && !accumulates) || GROWING.contains(&name.as_str());
        let expr = Expr::Call(CallExpr { func_name: name, target, args });
        Ok(if grows { run::bounded(expr) } else { expr })
    }

    fn comprehension(
        &mut self,
        inner: ComprehensionExpr,
        locals: &mut Vec<String>,
        depth: usize,
        macros: usize,
    ) -> Result<Expr, String> {
        if macros >= MACROS_MAX {
            return Err(format!(
                "`map`, `filter`, `all` and `exists` stand at most {MACROS_MAX} deep in each other"
            ));
        }
        // The range is no part of what is repeated.
        let iter_range = self.rewrite(inner.iter_range, locals, depth + 1, macros)?;
        let accu_init = self.rewrite(inner.accu_init, locals, depth + 1, macros)?;
        let outside = locals.len();
        locals.extend([inner.iter_var.clone(), inner.accu_var.clone()]);
        locals.extend(inner.iter_var2.clone());
        let mut inside = |node| self.rewrite(node, locals, depth + 1, macros + 1);
        let (loop_cond, loop_step) = run::ticking(inside(inner.loop_cond)?, inside(inner.loop_step)?);
        let result = inside(inner.result)?;
        locals.truncate(outside);
        Ok(Expr::Comprehension(Box::new(ComprehensionExpr {
            iter_range,
            accu_init,
            loop_cond,
            loop_step,
            result,
            ..inner
        })))
    }

    /// `a.b["c"].d`: a name of ours at its root becomes a slot, the rest stays.
    fn chain(
        &mut self,
        expr: Expr,
        locals: &mut Vec<String>,
        depth: usize,
        macros: usize,
    ) -> Result<Expr, String> {
        let (root, mut steps) = unchain(expr);
        let used = match &root {
            Expr::Ident(name) if locals.contains(name) => None,
            Expr::Ident(name) => Some(name.clone()),
            _ => None,
        };
        let (mut expr, taken) = match used {
            None => match root {
                ident @ Expr::Ident(_) => (ident, 0),
                other => (self.rewrite(IdedExpr { id: 0, expr: other }, locals, depth + 1, macros)?.expr, 0),
            },
            Some(name) if steps.is_empty() && TYPES.contains(&name.as_str()) => (root, 0),
            Some(name) => self.name(&name, &mut steps)?,
        };
        for step in steps.into_iter().skip(taken) {
            let operand = Box::new(IdedExpr { id: 0, expr });
            expr = match step {
                Step::Field(field, test) => Expr::Select(SelectExpr { operand, field, test }),
                Step::Index(index) => {
                    let index = self.rewrite(index, locals, depth + 1, macros)?;
                    let args = vec![*operand, index];
                    Expr::Call(CallExpr { func_name: "_[_]".to_owned(), target: None, args })
                }
            };
        }
        Ok(expr)
    }

    /// The slot of a name, and how many steps after the root belong to it.
    fn name(&mut self, root: &str, steps: &mut [Step]) -> Result<(Expr, usize), String> {
        let field = match steps.first() {
            Some(Step::Field(field, false)) => Some(field.clone()),
            Some(Step::Index(index)) => literal(index),
            _ => None,
        };
        let (name, taken) = match (root, field.as_deref()) {
            ("vars", Some(name)) => (Name::Variable(name.to_owned()), 1),
            ("vars", None) => (Name::Variables, 0),
            ("inputs", Some(name)) => (Name::Input(name.to_owned()), 1),
            ("inputs", None) => return Err("write `inputs.NAME`".to_owned()),
            ("each", Some("key")) => (Name::EachKey, 1),
            ("each", Some("value")) => (Name::EachValue, 1),
            ("each", _) => return Err("write `each.key` or `each.value`".to_owned()),
            ("environment", _) => (Name::Environment, 0),
            ("self", Some("name")) => (Name::SelfName, 1),
            ("self", _) => return Err("only `self.name` is known of a resource itself".to_owned()),
            (kind, _) if kinds::find(kind).is_some() || ["identity", COMPONENT].contains(&kind) => {
                return self.resource(kind, steps);
            }
            _ => {
                return Err(format!(
                    "`{root}` means nothing here; expressions know `vars.NAME`, `each.key`, `each.value`, `environment`, `self.name` and resources such as `workspace[\"id\"].name`"
                ));
            }
        };
        self.slot(name).map(|(expr, _)| (expr, taken))
    }

    fn resource(&mut self, kind: &str, steps: &mut [Step]) -> Result<(Expr, usize), String> {
        let kind = if kind == "identity" { "user_assigned_identity" } else { kind };
        let mut keys = Vec::new();
        for (position, step) in steps.iter().enumerate().take(2) {
            match step {
                Step::Index(index) => keys.push(self.key(index)?),
                Step::Field(field, _) if position == 0 => keys.push(field.clone()),
                Step::Field(..) => break,
            }
        }
        let path: Vec<String> = steps[keys.len()..]
            .iter()
            .map_while(|s| if let Step::Field(field, _) = s { Some(field.clone()) } else { None })
            .collect();
        if keys.is_empty() || path.is_empty() {
            return Err(format!("write `{kind}[\"id\"].name`, or another value in place of `name`"));
        }
        let given = keys.len();
        let (expr, segments) = self.slot(Name::Resource { kind: kind.to_owned(), keys, path })?;
        Ok((expr, given + segments))
    }

    /// An index that names a resource: it must be known now, for it makes an edge of the graph.
    fn key(&mut self, index: &IdedExpr) -> Result<String, String> {
        if let Some(text) = literal(index) {
            return Ok(text);
        }
        let mut inner = Builder::new(self.scope);
        let code = inner.rewrite(index.clone(), &mut Vec::new(), 0, 0)?;
        let expression = inner.finish("", Template::Code(Arc::new(code)));
        match expression.evaluate(&|_, _| None)? {
            Some(Json::String(text)) => Ok(text),
            _ => Err("a resource is named by a text that is known before anything is made".to_owned()),
        }
    }

    fn slot(&mut self, name: Name) -> Result<(Expr, usize), String> {
        let found = self.names.iter().position(|(n, _)| *n == name);
        let slot = match found {
            Some(slot) => slot,
            None => {
                let (binding, segments) = self.scope.bind(&name)?;
                self.names.push((name, segments));
                self.bindings.push(binding);
                self.names.len() - 1
            }
        };
        Ok((Expr::Ident(format!("#{slot}")), self.names[slot].1))
    }
}

impl Known {
    /// Wraps a value for sharing.
    pub fn shared(json: Json) -> Binding {
        Binding::Known(Arc::new(Known::new(json)))
    }
}

thread_local! {
    /// What was parsed before: each element of a `for_each` has the same few expressions.
    static PARSED: RefCell<HashMap<String, IdedExpr>> = RefCell::default();
}

fn parsed(source: &str) -> Result<IdedExpr, String> {
    const KEPT_MAX: usize = 1_000;
    if let Some(known) = PARSED.with_borrow(|kept| kept.get(source).cloned()) {
        return Ok(known);
    }
    let parsed = ENV.parser().parse(source).map_err(|errors| {
        let column = errors.errors.first().map_or(1, |e| e.pos.1.max(1));
        format!("this is not a valid expression; look near character {column} of `{}`", source.trim())
    })?;
    PARSED.with_borrow_mut(|kept| {
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(source.to_owned(), parsed.clone());
    });
    Ok(parsed)
}

enum Step {
    Field(String, bool),
    Index(IdedExpr),
}

fn unchain(expr: Expr) -> (Expr, Vec<Step>) {
    let mut steps = Vec::new();
    let mut at = expr;
    loop {
        at = match at {
            Expr::Select(select) => {
                steps.push(Step::Field(select.field, select.test));
                select.operand.expr
            }
            Expr::Call(mut call) if call.func_name == "_[_]" && call.args.len() == 2 => {
                let index = call.args.pop().unwrap_or_default();
                steps.push(Step::Index(index));
                call.args.pop().unwrap_or_default().expr
            }
            root => {
                steps.reverse();
                return (root, steps);
            }
        };
    }
}

fn literal(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

/// The end of an expression: its `}`, past nested braces and texts.
fn closing(rest: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// Refuses what the parser would spend too much on, before it sees it.
fn check_source(source: &str) -> Result<(), String> {
    if source.trim().is_empty() {
        return Err("`${}` has no expression in it".to_owned());
    }
    if source.len() > LENGTH_MAX {
        return Err(format!("the expression is longer than {LENGTH_MAX} characters"));
    }
    let mut depth = 0usize;
    let mut run = 0usize;
    for c in source.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        run = match c {
            '!' | '-' => run + 1,
            c if c.is_whitespace() => run,
            _ => 0,
        };
        if depth > BRACKETS_MAX || run > 8 {
            return Err("the expression is nested too deeply; split it, or compute less".to_owned());
        }
    }
    match source.matches('?').count() > BRACKETS_MAX {
        true => Err("the expression has too many `? :`; split it".to_owned()),
        false => Ok(()),
    }
}
