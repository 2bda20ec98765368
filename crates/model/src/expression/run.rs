//! Evaluation with limits. CEL itself has none for time or size: a `+` inside a `map` doubles a text
//! at each turn. So whatever can grow is wrapped, when an expression is compiled, in a call that pays
//! for the size of its value, and every turn of a loop pays, too.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, ListExpr};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::objects::{Key, Map};
use cel::{Context, Env, ExecutionError, IdedExpr, Value, extensions};

use super::{Binding, Expression, Known, Template};
use crate::{Address, Json};

/// What one evaluation may spend: bytes of texts and elements made, turns of loops.
const FUEL: u64 = 4_000_000;
/// What one call costs beside the size of its value.
const TURN: u64 = 16;
/// The largest value that an expression may make on its way.
const SIZE_MAX: u64 = 1024 * 1024;
/// The largest value that a function whose result can be a product of its arguments takes.
const SMALL_MAX: u64 = 4_096;

const BOUNDED: &str = "@bounded";
const SMALL: &str = "@small";
const TICK: &str = "@tick";

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(environment()));

/// CEL's standard functions and macros, texts' functions, and nothing that reaches outside.
pub(super) fn environment() -> Env {
    let mut env = Env::stdlib().with_optional_support(false);
    env.add_extension(extensions::strings).expect("BUG: the standard functions do not clash");
    env
}

pub(super) fn bounded(expr: Expr) -> Expr {
    wrapped(BOUNDED, IdedExpr { id: 0, expr }).expr
}

pub(super) fn small(node: IdedExpr) -> IdedExpr {
    wrapped(SMALL, node)
}

/// A loop that pays for each turn. CEL appends in place only while the condition is a literal and the
/// step keeps its form, so the guard pays then, or the new element (see [`unwrapped`]).
pub(super) fn ticking(condition: IdedExpr, mut step: IdedExpr) -> (IdedExpr, IdedExpr) {
    if !matches!(condition.expr, Expr::Literal(_)) {
        return (wrapped(TICK, condition), step);
    }
    if let Expr::Call(call) = &mut step.expr
        && call.func_name == "_?_:_"
        && let Some(guard) = call.args.first_mut()
    {
        *guard = wrapped(TICK, std::mem::take(guard));
    }
    (condition, step)
}

/// `@bounded([x])` as `[@bounded(x)]`.
pub(super) fn unwrapped(node: IdedExpr) -> IdedExpr {
    match node.expr {
        Expr::Call(mut call) if call.func_name == BOUNDED => match call.args.pop() {
            Some(IdedExpr { id, expr: Expr::List(list) }) => {
                let elements = list.elements.into_iter().map(|e| wrapped(BOUNDED, e)).collect();
                IdedExpr { id, expr: Expr::List(ListExpr::new(elements)) }
            }
            other => wrapped(BOUNDED, other.unwrap_or_default()),
        },
        expr => IdedExpr { id: node.id, expr },
    }
}

fn wrapped(function: &str, node: IdedExpr) -> IdedExpr {
    let call = CallExpr { func_name: function.to_owned(), target: None, args: vec![node] };
    IdedExpr { id: 0, expr: Expr::Call(call) }
}

type Lookup<'l> = &'l dyn Fn(&Address, &str) -> Option<Json>;

pub(super) fn evaluate(expression: &Expression, lookup: Lookup<'_>) -> Result<Option<Json>, String> {
    Run { lookup, fuel: Arc::new(AtomicU64::new(FUEL)) }.expression(expression)
}

struct Run<'l> {
    lookup: Lookup<'l>,
    fuel: Arc<AtomicU64>,
}

impl Run<'_> {
    fn expression(&self, expression: &Expression) -> Result<Option<Json>, String> {
        spend(&self.fuel, 1).map_err(|e| words(&e, expression.secret))?;
        let mut slots = Vec::with_capacity(expression.bindings.len());
        for binding in &expression.bindings {
            match self.binding(binding)? {
                Some(known) => slots.push(known),
                None => return Ok(None),
            }
        }
        let slots = Slots(slots);
        let context = self.context(&slots);
        fill(&expression.template, &context, expression.secret).map(Some)
    }

    fn binding(&self, binding: &Binding) -> Result<Option<Arc<Known>>, String> {
        let json = match binding {
            Binding::Known(known) => return Ok(Some(Arc::clone(known))),
            Binding::Nested(inner) => self.expression(inner)?,
            Binding::Computed(address, name) => (self.lookup)(address, name),
            Binding::Pending(_) => None,
        };
        Ok(json.map(|json| Arc::new(Known::new(json))))
    }

    fn context<'v>(&self, slots: &'v Slots) -> Context<'v, 'v> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.set_variable_resolver(slots);
        for (function, most) in [(BOUNDED, SIZE_MAX), (SMALL, SMALL_MAX)] {
            let fuel = Arc::clone(&self.fuel);
            let added = context.add_function(function, move |value: Value| pay(&fuel, value, most));
            added.expect("BUG: the name is ours");
        }
        let fuel = Arc::clone(&self.fuel);
        let added = context.add_function(TICK, move |value: Value| spend(&fuel, TURN).map(|()| value));
        added.expect("BUG: the name is ours");
        context
    }
}

/// The bindings of one evaluation, as `#0`, `#1`, ….
struct Slots(Vec<Arc<Known>>);

impl VariableResolver for Slots {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let slot: usize = variable.strip_prefix('#')?.parse().ok()?;
        self.0.get(slot).map(|known| CowVal::Borrowed(known.cel()))
    }
}

fn fill(template: &Template, context: &Context<'_, '_>, secret: bool) -> Result<Json, String> {
    match template {
        Template::Literal(json) => Ok(json.clone()),
        Template::Code(code) => {
            let value = Value::resolve(code, context).map_err(|e| words(&e, secret))?;
            to_json(&value)
        }
        Template::Text(pieces) => {
            let mut text = String::new();
            for piece in pieces {
                text.push_str(&inside_text(fill(piece, context, secret)?)?);
            }
            Ok(Json::from(text))
        }
        Template::List(list) => {
            let all = list.iter().map(|t| fill(t, context, secret)).collect::<Result<Vec<_>, String>>()?;
            let given = all.into_iter().zip(list).filter(|(value, template)| !is_left_out(value, template));
            Ok(given.map(|(value, _)| value).collect())
        }
        Template::Map(map) => {
            let entries = map.iter().map(|(k, t)| Ok((k.clone(), fill(t, context, secret)?)));
            let all = entries.collect::<Result<Vec<_>, String>>()?;
            let given = all.into_iter().zip(map).filter(|((_, value), (_, t))| !is_left_out(value, t));
            Ok(Json::Object(given.map(|(entry, _)| entry).collect()))
        }
    }
}

/// An entry whose expression is null is as if it were not there; a null that was written is a mistake.
fn is_left_out(value: &Json, template: &Template) -> bool {
    value.is_null() && matches!(template, Template::Code(_))
}

fn inside_text(json: Json) -> Result<String, String> {
    match json {
        Json::String(text) => Ok(text),
        Json::Bool(_) | Json::Number(_) => Ok(json.to_string()),
        Json::Null => Err("an empty value cannot stand inside text".to_owned()),
        Json::Array(_) => Err("a list cannot stand inside text; use `.join(\", \")`".to_owned()),
        Json::Object(_) => Err("a mapping cannot stand inside text".to_owned()),
    }
}

fn spend(fuel: &AtomicU64, amount: u64) -> Result<(), ExecutionError> {
    let enough = fuel.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount));
    enough.map(|_| ()).map_err(|_| limit("the expression computes too much; at most some 100,000 steps"))
}

fn pay(fuel: &AtomicU64, value: Value, most: u64) -> Result<Value, ExecutionError> {
    let size = size(&value, most);
    if size > most {
        return Err(limit("a value in the expression grows too large"));
    }
    spend(fuel, TURN + size).map(|()| value)
}

fn limit(message: &str) -> ExecutionError {
    ExecutionError::function_error(BOUNDED, message)
}

/// Bytes and elements of a value; stops counting past `most`.
fn size(value: &Value, most: u64) -> u64 {
    match value {
        Value::String(text) => 1 + text.len() as u64,
        Value::Bytes(bytes) => 1 + bytes.len() as u64,
        Value::List(list) => sum(list.iter(), most),
        Value::Map(map) => sum(map.map.values(), most),
        _ => 1,
    }
}

fn sum<'v>(values: impl Iterator<Item = &'v Value>, most: u64) -> u64 {
    let mut total = 1;
    for value in values {
        total += size(value, most);
        if total > most {
            break;
        }
    }
    total
}

/// What went wrong, without CEL's own words; of a secret not even keys are named.
fn words(error: &ExecutionError, secret: bool) -> String {
    match error {
        _ if secret => "an expression over a secret cannot be computed".to_owned(),
        ExecutionError::NoSuchKey(key) => format!("there is no key `{key}`"),
        ExecutionError::NoSuchOverload(call) => {
            if call.function() == "_._" {
                return "only a mapping has fields after `.`".to_owned();
            }
            let function = call.function().trim_matches('_').trim_start_matches('@').to_owned();
            format!("`{function}` does not work on {}", call.argument_types().join(" and "))
        }
        ExecutionError::UndeclaredReference(name) => format!("`{name}` means nothing here"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "a number grows too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "the list has no such element".to_owned(),
        ExecutionError::FunctionError { function, message } if function == BOUNDED => message.clone(),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
            let signs = [("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "/"), ("rem", "%")];
            let sign = signs.iter().find(|(name, _)| name == operator).map_or(*operator, |(_, sign)| sign);
            format!("`{sign}` does not work on these values")
        }
        ExecutionError::ValuesNotComparable(..) => "these values cannot be compared".to_owned(),
        _ => "the expression cannot be computed with these values".to_owned(),
    }
}

/// A known value in CEL's form.
pub(super) fn to_val(json: &Json) -> Box<dyn Val> {
    to_value(json).try_into().expect("BUG: values made from JSON have a CEL form")
}

fn to_value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, float) => Value::Float(float.unwrap_or_default()),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(list) => Value::List(Arc::new(list.iter().map(to_value).collect())),
        Json::Object(map) => {
            let entries = map.iter().map(|(k, v)| (Key::String(Arc::new(k.clone())), to_value(v)));
            Value::Map(Map { map: Arc::new(entries.collect::<HashMap<_, _>>()) })
        }
    }
}

fn to_json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Int(number) => Json::from(*number),
        Value::UInt(number) => Json::from(*number),
        Value::Float(number) if number.is_finite() => Json::from(*number),
        Value::String(text) => Json::from(text.as_str()),
        Value::List(list) => list.iter().map(to_json).collect::<Result<Json, String>>()?,
        Value::Map(map) => {
            let entries = map.map.iter().map(|(k, v)| Ok((k.to_string(), to_json(v)?)));
            Json::Object(entries.collect::<Result<_, String>>()?)
        }
        _ => return Err("the expression's value is no text, number, boolean, list or mapping".to_owned()),
    })
}
