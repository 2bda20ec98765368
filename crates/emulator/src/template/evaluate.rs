//! From a template's values, in which strings may be expressions, to plain values.
//!
//! What only other resources can tell (`reference`, `list…`) is asked of the surroundings, which may answer `Later`.
//! The work is bounded by a budget, so that no template makes itself endlessly large.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::expression::{self, Expression, Meaning};
use super::functions;

/// Bytes that the functions of one template may make, all together.
const BUDGET: usize = 32 << 20;

/// Levels of values, expressions and variables inside each other.
const DEPTH_MAX: usize = 200;

/// Copies that one loop may make; ARM's own limit.
pub(crate) const COPIES_MAX: i64 = 800;

/// Why there is no value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// The template is wrong, and this is how.
    Invalid(String),
    /// It is known only when other resources stand.
    Later,
    /// The cloud refused what had to be asked of it, with this error.
    Refused(Value),
}

/// What evaluating gives.
pub(crate) type Evaluated<T = Value> = Result<T, Failure>;

impl From<String> for Failure {
    fn from(problem: String) -> Failure {
        Failure::Invalid(problem)
    }
}

impl From<&str> for Failure {
    fn from(problem: &str) -> Failure {
        Failure::Invalid(problem.to_owned())
    }
}

/// What a template can ask of the place it is deployed to.
pub(crate) trait Surroundings {
    /// What `subscription()`, `resourceGroup()`, `tenant()`, `deployment()` or `environment()` gives; none where there
    /// is no such thing.
    fn object(&self, name: &str) -> Option<Value>;
    /// A resource provider with its types.
    fn provider(&self, namespace: &str) -> Option<Value>;
    /// The time at which the deployment began.
    fn now(&self) -> Timestamp;
    /// A guid that no one else gets.
    fn new_guid(&self) -> String;
    /// The present body of a resource, named by id or by its name in the template.
    fn resource(&self, named: &str) -> Evaluated;
    /// What a `list…` action of a resource answers.
    fn list(&self, action: &str, named: &str, api_version: &str, body: &Value) -> Evaluated;
}

/// The loops around a value: name of each loop in lower case, and the index in it; the innermost is last.
pub(crate) type Loops = Vec<(String, i64)>;

/// Computes the values of one template with one set of parameters.
pub(crate) struct Evaluator<'a> {
    pub(crate) surroundings: &'a dyn Surroundings,
    /// By lower-case name.
    pub(crate) parameters: &'a BTreeMap<String, Value>,
    /// Whether a default of a parameter is computed; `newGuid` and `utcNow` are for those alone.
    pub(crate) in_default: bool,
    variables: Value,
    /// Variables by lower-case name; none while one is being computed.
    known: RefCell<BTreeMap<String, Option<Value>>>,
    loops: RefCell<Loops>,
    budget: Cell<usize>,
    depth: Cell<usize>,
    /// The resources that functions asked for, by id or name.
    asked: RefCell<Vec<String>>,
}

impl<'a> Evaluator<'a> {
    /// An evaluator for a template with these parameters.
    pub(crate) fn new(
        template: &Value,
        parameters: &'a BTreeMap<String, Value>,
        surroundings: &'a dyn Surroundings,
    ) -> Evaluator<'a> {
        Evaluator {
            surroundings,
            parameters,
            in_default: false,
            variables: template["variables"].clone(),
            known: RefCell::default(),
            loops: RefCell::default(),
            budget: Cell::new(BUDGET),
            depth: Cell::new(0),
            asked: RefCell::default(),
        }
    }

    /// Does something inside these loops, and no others.
    pub(crate) fn within<T>(&self, loops: &Loops, act: impl FnOnce(&Self) -> T) -> T {
        let outside = self.loops.replace(loops.clone());
        let result = act(self);
        self.loops.replace(outside);
        result
    }

    /// A value with everything in it computed.
    pub(crate) fn tree(&self, value: &Value) -> Evaluated {
        self.deeper(|| match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => items.iter().map(|item| self.tree(item)).collect::<Evaluated<_>>(),
            Value::Object(map) => self.object(map),
            plain => Ok(plain.clone()),
        })
    }

    /// A string that is an expression or stands for itself.
    pub(crate) fn string(&self, text: &str) -> Evaluated {
        match expression::read(text)? {
            Meaning::Literal(text) => Ok(json!(text)),
            Meaning::Computed(expression) => self.expression(&expression),
        }
    }

    /// A value that must be text.
    pub(crate) fn text(&self, value: &Value, what: &str) -> Evaluated<String> {
        let value = self.tree(value)?;
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| Failure::Invalid(format!("The {what} of a template resource must be a string.")))
    }

    fn deeper<T>(&self, act: impl FnOnce() -> Evaluated<T>) -> Evaluated<T> {
        let depth = self.depth.get();
        if depth >= DEPTH_MAX {
            return Err("The template is nested too deeply when it is evaluated.".into());
        }
        self.depth.set(depth + 1);
        let result = act();
        self.depth.set(depth);
        result
    }

    fn object(&self, map: &Map<String, Value>) -> Evaluated {
        let mut result = Map::new();
        for (key, value) in map {
            match value {
                Value::Array(copies) if is_property_copy(key, copies) => {
                    for copy in copies {
                        let name = self.tree(&copy["name"])?;
                        result.insert(name.as_str().unwrap_or("").to_owned(), self.copied(&name, copy)?);
                    }
                }
                value => {
                    let key = self.string(key)?;
                    let key = key.as_str().ok_or("A key must be a string.")?.to_owned();
                    result.insert(key, self.tree(value)?);
                }
            }
        }
        Ok(Value::Object(result))
    }

    /// The list that a copy loop in a value makes of its input.
    pub(crate) fn copied(&self, name: &Value, copy: &Value) -> Evaluated {
        self.each_copy(name, copy, |input| self.tree(input)).map(Value::Array)
    }

    fn each_copy<T>(
        &self,
        name: &Value,
        copy: &Value,
        act: impl Fn(&Value) -> Evaluated<T>,
    ) -> Evaluated<Vec<T>> {
        let name = name.as_str().unwrap_or("").to_ascii_lowercase();
        let count = copy_count(&self.tree(&copy["count"])?)?;
        let one = |index| {
            self.loops.borrow_mut().push((name.clone(), index));
            let item = act(&copy["input"]);
            self.loops.borrow_mut().pop();
            item
        };
        (0..count).map(one).collect()
    }

    /// The index in a loop: the named one, or the innermost.
    pub(crate) fn loop_index(&self, name: Option<&str>) -> Option<i64> {
        let loops = self.loops.borrow();
        let mut inward = loops.iter().rev();
        inward
            .find(|(known, _)| name.is_none_or(|name| name.eq_ignore_ascii_case(known)))
            .map(|(_, index)| *index)
    }

    /// The value of an expression.
    pub(crate) fn expression(&self, expression: &Expression) -> Evaluated {
        self.deeper(|| match expression {
            Expression::Text(text) => Ok(json!(text)),
            Expression::Number(number) => Ok(json!(number)),
            Expression::Call(name, arguments) => {
                let value = functions::call(self, name, arguments)?;
                self.pay(&value)?;
                Ok(value)
            }
            Expression::Member(of, name) => member(&self.expression(of)?, &json!(name)),
            Expression::Index(of, index) => member(&self.expression(of)?, &self.expression(index)?),
        })
    }

    /// Notes that a function asks for a resource.
    pub(crate) fn ask(&self, named: &str) {
        self.asked.borrow_mut().push(named.to_owned());
    }

    /// Computes a value as far as it goes before other resources stand, and tells which ones it asks for.
    pub(crate) fn examine(&self, value: &Value) -> Evaluated<Vec<String>> {
        self.asked.take();
        self.examine_tree(value)?;
        Ok(self.asked.take())
    }

    fn examine_tree(&self, value: &Value) -> Evaluated<()> {
        self.deeper(|| match value {
            Value::String(text) => self.examine_string(text),
            Value::Array(items) => items.iter().try_for_each(|item| self.examine_tree(item)),
            Value::Object(map) => map.iter().try_for_each(|(key, value)| match value {
                Value::Array(copies) if is_property_copy(key, copies) => copies.iter().try_for_each(|copy| {
                    let name = self.tree(&copy["name"])?;
                    self.each_copy(&name, copy, |input| self.examine_tree(input)).map(|_| ())
                }),
                value => self.examine_string(key).and_then(|()| self.examine_tree(value)),
            }),
            _ => Ok(()),
        })
    }

    fn examine_string(&self, text: &str) -> Evaluated<()> {
        match self.string(text) {
            Ok(_) => Ok(()),
            Err(Failure::Later) => {
                if let Meaning::Computed(expression) = expression::read(text)? {
                    self.look_into(&expression);
                }
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Computes the parts of an expression that has no value yet, for the resources they ask for.
    fn look_into(&self, expression: &Expression) {
        let parts: Vec<&Expression> = match expression {
            Expression::Text(_) | Expression::Number(_) => Vec::new(),
            Expression::Call(_, arguments) => arguments.iter().collect(),
            Expression::Member(of, _) => vec![of],
            Expression::Index(of, index) => vec![of, index],
        };
        for part in parts {
            // An error in a part may lie in a branch that will not be taken.
            if self.expression(part).is_err() {
                self.look_into(part);
            }
        }
    }

    /// A variable; it is computed when it is first asked for.
    pub(crate) fn variable(&self, name: &str) -> Evaluated {
        let key = name.to_ascii_lowercase();
        let known = self.known.borrow().get(&key).cloned();
        match known {
            Some(Some(value)) => return Ok(value),
            Some(None) => return Err(format!("The template variable '{name}' is defined by itself.").into()),
            None => {}
        }
        self.known.borrow_mut().insert(key.clone(), None);
        let outside = self.loops.take();
        let value = self.variable_anew(name);
        self.loops.replace(outside);
        match &value {
            Ok(value) => self.known.borrow_mut().insert(key, Some(value.clone())),
            Err(_) => self.known.borrow_mut().remove(&key),
        };
        value
    }

    fn variable_anew(&self, name: &str) -> Evaluated {
        let map = self.variables.as_object();
        if let Some((_, value)) = map.into_iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case(name)) {
            return self.tree(value);
        }
        let copies = self.variables["copy"].as_array();
        let copy = copies
            .into_iter()
            .flatten()
            .find(|copy| copy["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)));
        match copy {
            Some(copy) => self.copied(&copy["name"], copy),
            None => Err(format!("The template variable '{name}' is not found.").into()),
        }
    }

    fn pay(&self, value: &Value) -> Evaluated<()> {
        let left = self.budget.get().checked_sub(size_of(value));
        self.budget.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| "The template is too large when it is evaluated.".into())
    }
}

/// The count of a copy loop, within ARM's limits.
pub(crate) fn copy_count(count: &Value) -> Evaluated<i64> {
    let count = count.as_i64().ok_or("The count of a copy loop must be a whole number.")?;
    if (0..=COPIES_MAX).contains(&count) {
        Ok(count)
    } else {
        Err(format!("The count of a copy loop must be from 0 to {COPIES_MAX}, and is {count}.").into())
    }
}

/// A loop that makes a property; `copy` with anything else in it is a property of that name.
fn is_property_copy(key: &str, copies: &[Value]) -> bool {
    let is_copy = |copy: &Value| ["name", "count", "input"].iter().all(|key| copy.get(key).is_some());
    key.eq_ignore_ascii_case("copy") && !copies.is_empty() && copies.iter().all(is_copy)
}

/// A member of an object, found without case, or an element of an array.
fn member(of: &Value, key: &Value) -> Evaluated {
    let found = match (of, key) {
        (Value::Object(map), Value::String(name)) => map
            .get(name)
            .or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)),
        (Value::Array(items), Value::Number(index)) => {
            index.as_u64().and_then(|index| items.get(usize::try_from(index).ok()?))
        }
        _ => None,
    };
    found.cloned().ok_or_else(|| {
        let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        let available: Vec<&str> =
            of.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let available = available.join(", ");
        format!(
            "The language expression property '{key}' doesn't exist, available properties are '{available}'."
        )
        .into()
    })
}

/// About as many bytes as it takes.
fn size_of(value: &Value) -> usize {
    match value {
        Value::String(text) => 16 + text.len(),
        Value::Array(items) => 16 + items.iter().map(size_of).sum::<usize>(),
        Value::Object(map) => {
            16 + map.iter().map(|(key, value)| 16 + key.len() + size_of(value)).sum::<usize>()
        }
        _ => 16,
    }
}
