//! Comparing, choosing, counting: functions on truth and numbers, and what converts to them.

use serde_json::{Value, json};

use super::super::evaluate::{Evaluated, Evaluator, Failure};
use super::super::expression::Expression;
use super::{Function, MANY, choosing, number_at, plain, text_at, wanted};

pub(super) const TABLE: &[Function] = &[
    choosing("if", (3, 3), |evaluator, arguments| {
        let chosen = if truth(evaluator, &arguments[0], "if")? { 1 } else { 2 };
        evaluator.expression(&arguments[chosen])
    }),
    choosing("and", (2, MANY), |evaluator, arguments| all(evaluator, arguments, "and", true)),
    choosing("or", (2, MANY), |evaluator, arguments| all(evaluator, arguments, "or", false)),
    choosing("not", (1, 1), |evaluator, arguments| Ok(json!(!truth(evaluator, &arguments[0], "not")?))),
    choosing("coalesce", (1, MANY), |evaluator, arguments| {
        for argument in arguments {
            let value = evaluator.expression(argument)?;
            if !value.is_null() {
                return Ok(value);
            }
        }
        Ok(Value::Null)
    }),
    plain("true", (0, 0), |_| Ok(json!(true))),
    plain("false", (0, 0), |_| Ok(json!(false))),
    plain("null", (0, 0), |_| Ok(Value::Null)),
    plain("equals", (2, 2), |arguments| Ok(json!(arguments[0] == arguments[1]))),
    plain("less", (2, 2), |arguments| order(arguments, |order| order.is_lt())),
    plain("lessOrEquals", (2, 2), |arguments| order(arguments, |order| order.is_le())),
    plain("greater", (2, 2), |arguments| order(arguments, |order| order.is_gt())),
    plain("greaterOrEquals", (2, 2), |arguments| order(arguments, |order| order.is_ge())),
    plain("bool", (1, 1), |arguments| match &arguments[0] {
        Value::Bool(value) => Ok(json!(value)),
        Value::Number(number) => Ok(json!(number.as_f64() != Some(0.0))),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(json!(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(json!(false)),
        _ => Err(wanted(0, "a boolean, or text or a number that stands for one")),
    }),
    plain("int", (1, 1), |arguments| match &arguments[0] {
        Value::Number(number) if number.is_i64() => Ok(json!(number)),
        Value::String(text) => {
            text.trim().parse::<i64>().map(|number| json!(number)).map_err(|_| wanted(0, "a whole number"))
        }
        _ => Err(wanted(0, "a whole number, or text that is one")),
    }),
    plain("add", (2, 2), |arguments| compute(arguments, i64::checked_add)),
    plain("sub", (2, 2), |arguments| compute(arguments, i64::checked_sub)),
    plain("mul", (2, 2), |arguments| compute(arguments, i64::checked_mul)),
    plain("div", (2, 2), |arguments| compute(arguments, i64::checked_div)),
    plain("mod", (2, 2), |arguments| compute(arguments, i64::checked_rem)),
];

fn truth(evaluator: &Evaluator, argument: &Expression, function: &str) -> Evaluated<bool> {
    evaluator.expression(argument)?.as_bool().ok_or_else(|| {
        Failure::Invalid(format!("The template function '{function}' needs a boolean as its condition."))
    })
}

/// Whether all arguments are `wanted`, or else the opposite; what comes after the first other one is not computed.
fn all(evaluator: &Evaluator, arguments: &[Expression], function: &str, wanted: bool) -> Evaluated {
    for argument in arguments {
        if truth(evaluator, argument, function)? != wanted {
            return Ok(json!(!wanted));
        }
    }
    Ok(json!(wanted))
}

fn order(arguments: &[Value], holds: fn(std::cmp::Ordering) -> bool) -> Result<Value, String> {
    let order = match (&arguments[0], &arguments[1]) {
        (Value::String(_), Value::String(_)) => text_at(arguments, 0)?.cmp(text_at(arguments, 1)?),
        _ => number_at(arguments, 0)?.cmp(&number_at(arguments, 1)?),
    };
    Ok(json!(holds(order)))
}

fn compute(arguments: &[Value], operation: fn(i64, i64) -> Option<i64>) -> Result<Value, String> {
    let result = operation(number_at(arguments, 0)?, number_at(arguments, 1)?);
    result.map(|number| json!(number)).ok_or_else(|| "has no result that is a whole number".to_owned())
}
