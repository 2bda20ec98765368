//! The resources of a template: loops and nested children unrolled, with what each has to wait for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::evaluate::{Evaluated, Evaluator, Failure, Loops, copy_count};
use super::expression::quoted;

/// ARM's own limit.
const RESOURCES_MAX: usize = 800;

/// The type of deployments inside a template.
pub(crate) const DEPLOYMENT: &str = "Microsoft.Resources/deployments";

const GROUP: &str = "Microsoft.Resources/resourceGroups";

/// What the template says about a resource to ARM, and not to its provider.
const DIRECTIVES: [&str; 13] = [
    "type",
    "name",
    "apiVersion",
    "condition",
    "copy",
    "comments",
    "dependsOn",
    "existing",
    "resources",
    "resourceGroup",
    "scope",
    "subscriptionId",
    "metadata",
];

/// Where a deployment puts its resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scope {
    pub(crate) subscription: String,
    /// None for a deployment to the subscription itself.
    pub(crate) group: Option<String>,
}

impl Scope {
    /// The id of the group or the subscription.
    pub(crate) fn id(&self) -> String {
        let subscription = format!("/subscriptions/{}", self.subscription);
        match &self.group {
            Some(group) => format!("{subscription}/resourceGroups/{group}"),
            None => subscription,
        }
    }
}

/// One resource that a template speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) id: String,
    pub(crate) resource_type: String,
    /// The names of its parents and its own, joined by slashes.
    pub(crate) name: String,
    pub(crate) api_version: String,
    /// Whether it is deployed at all: its condition holds, and it is not merely mentioned as existing.
    pub(crate) enabled: bool,
    /// The places in the list of those it waits for.
    pub(crate) after: Vec<usize>,
    loops: Loops,
    /// Its symbolic name, and the name of its loop: other words for it in `dependsOn`.
    aliases: Vec<String>,
    /// Where the template speaks of it, as a JSON pointer.
    place: String,
}

impl Planned {
    /// Whether a name, a symbolic name, an id, or type and name together mean this resource.
    pub(crate) fn is_named(&self, named: &str) -> bool {
        let typed = || {
            let (namespace, types) = self.resource_type.split_once('/').unwrap_or((&self.resource_type, ""));
            let mut text = namespace.to_owned();
            for (part, name) in types.split('/').zip(self.name.split('/')) {
                text.push_str(&format!("/{part}/{name}"));
            }
            text
        };
        self.id.eq_ignore_ascii_case(named)
            || self.name.eq_ignore_ascii_case(named)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(named))
            || (named.contains('/') && typed().eq_ignore_ascii_case(named.trim_start_matches('/')))
            || (self.resource_type.eq_ignore_ascii_case(GROUP)
                && ends_with(named, &format!("/providers/{}", typed())))
    }

    /// A resource that is in no template.
    pub(crate) fn found(id: &str, resource_type: &str, api_version: &str) -> Planned {
        Planned {
            id: id.to_owned(),
            resource_type: resource_type.to_owned(),
            name: id.rsplit('/').next().unwrap_or("").to_owned(),
            api_version: api_version.to_owned(),
            enabled: true,
            after: Vec::new(),
            loops: Vec::new(),
            aliases: Vec::new(),
            place: String::new(),
        }
    }

    /// The body that its PUT sends. Nulls say nothing in a template, so they are left out.
    pub(crate) fn body(&self, template: &Value, evaluator: &Evaluator) -> Evaluated {
        let source = crate::json::at(template, &self.place);
        evaluator.within(&self.loops, |evaluator| {
            if self.resource_type.eq_ignore_ascii_case(DEPLOYMENT) {
                return deployment_body(source, evaluator);
            }
            let mut body = evaluator.tree(&without_directives(source))?;
            drop_nulls(&mut body);
            Ok(body)
        })
    }
}

/// The resources of a template in its own order.
pub(crate) fn resources(template: &Value, evaluator: &Evaluator, scope: &Scope) -> Evaluated<Vec<Planned>> {
    plan(template, evaluator, scope).map_err(|failure| match failure {
        Failure::Later => {
            "The template function 'reference' is not expected in a name, a type or a condition.".into()
        }
        other => other,
    })
}

fn plan(template: &Value, evaluator: &Evaluator, scope: &Scope) -> Evaluated<Vec<Planned>> {
    let mut planned = Vec::new();
    let roots: Vec<(Option<&str>, String)> = match &template["resources"] {
        Value::Array(items) => (0..items.len()).map(|index| (None, index.to_string())).collect(),
        Value::Object(map) => map.keys().map(|name| (Some(name.as_str()), escaped(name))).collect(),
        Value::Null => Vec::new(),
        _ => return Err("The resources of a template must be an array or an object.".into()),
    };
    let unrolling = Unrolling { template, evaluator, scope };
    for (symbol, key) in roots {
        unrolling.unroll(&mut planned, symbol, format!("/resources/{key}"))?;
    }
    refuse_twins(&planned)?;
    for index in 0..planned.len() {
        let after = waits_for(&planned, index, template, evaluator)?;
        planned[index].after.extend(after);
        planned[index].after.sort_unstable();
        planned[index].after.dedup();
    }
    refuse_cycles(&planned)?;
    Ok(planned)
}

/// A key as a part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// What a resource stands in within its template.
#[derive(Default)]
struct Around<'a> {
    symbol: Option<&'a str>,
    loops: Loops,
    /// The place of the resource that it is nested in.
    parent: Option<usize>,
}

/// What unrolling a template works with.
struct Unrolling<'a> {
    template: &'a Value,
    evaluator: &'a Evaluator<'a>,
    scope: &'a Scope,
}

impl Unrolling<'_> {
    /// Adds a resource, once for each turn of its loop.
    fn unroll(&self, planned: &mut Vec<Planned>, symbol: Option<&str>, place: String) -> Evaluated<()> {
        let copy = crate::json::at(self.template, &format!("{place}/copy"));
        if !copy.is_object() {
            return self.add(planned, &Around { symbol, ..Around::default() }, &place);
        }
        let name = self.evaluator.text(&copy["name"], "copy loop's name")?;
        let count = copy_count(&self.evaluator.tree(&copy["count"])?)?;
        let is_serial = copy["mode"].as_str().is_some_and(|mode| mode.eq_ignore_ascii_case("serial"));
        let batch =
            copy["batchSize"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(1).max(1);
        let mut starts: Vec<usize> = Vec::new();
        for index in 0..count {
            starts.push(planned.len());
            let loops = vec![(name.to_ascii_lowercase(), index)];
            self.add(planned, &Around { symbol, loops, parent: None }, &place)?;
            // A serial loop waits for what is one batch behind.
            let turn = starts.len() - 1;
            let before = (turn / batch).checked_sub(1).map(|batch_before| batch_before * batch);
            if let Some(first) = before.filter(|_| is_serial) {
                planned[starts[turn]].after.extend(&starts[first..first + batch]);
            }
        }
        Ok(())
    }

    fn add(&self, planned: &mut Vec<Planned>, around: &Around, place: &str) -> Evaluated<()> {
        if planned.len() >= RESOURCES_MAX {
            return Err(format!("The template has more than {RESOURCES_MAX} resources.").into());
        }
        let parent = around.parent.map(|index| planned[index].clone());
        let source = crate::json::at(self.template, place);
        let mut one = self.evaluator.within(&around.loops, |evaluator| {
            read(evaluator, self.scope, around, parent.as_ref(), source)
        })?;
        one.place = place.to_owned();
        let index = planned.len();
        planned.push(one);
        // The resources of a nested deployment's template are its own, and lie elsewhere.
        let children = source["resources"].as_array().map_or(0, Vec::len);
        for child in 0..children {
            let around = Around { symbol: None, loops: around.loops.clone(), parent: Some(index) };
            self.add(planned, &around, &format!("{place}/resources/{child}"))?;
        }
        Ok(())
    }
}

fn read(
    evaluator: &Evaluator,
    scope: &Scope,
    around: &Around,
    parent: Option<&Planned>,
    source: &Value,
) -> Evaluated<Planned> {
    let own_type = evaluator.text(&source["type"], "type")?;
    let own_name = evaluator.text(&source["name"], "name")?;
    // A nested child may leave out what its parent says.
    let (resource_type, name) = match parent {
        Some(parent) if !own_type.contains('/') => {
            (format!("{}/{own_type}", parent.resource_type), format!("{}/{own_name}", parent.name))
        }
        _ => (own_type, own_name),
    };
    if resource_type.matches('/').count() != name.split('/').count() || name.split('/').any(str::is_empty) {
        return Err(format!(
            "The template resource '{name}' for type '{resource_type}' has incorrect segment lengths. A nested \
             resource type must have identical number of segments as its resource name. A root resource type must \
             have segment length one greater than its resource name."
        )
        .into());
    }
    let condition = source.get("condition").map_or(Ok(json!(true)), |condition| evaluator.tree(condition))?;
    let condition = condition.as_bool().or_else(|| condition.as_str()?.to_ascii_lowercase().parse().ok());
    let condition = condition.ok_or_else(|| format!("The condition of '{name}' must be a boolean."))?;
    let enabled = condition && source["existing"] != true;
    let id = if condition { id_of(evaluator, scope, source, &resource_type, &name)? } else { String::new() };
    let id = if id.is_empty() { plain_id(&scope.id(), &resource_type, &name) } else { id };
    let api_version = source
        .get("apiVersion")
        .map_or(Ok(String::new()), |version| evaluator.text(version, "apiVersion"))?;
    if enabled && api_version.is_empty() {
        return Err(format!("The template resource '{name}' has no 'apiVersion'.").into());
    }
    let loop_name = around.loops.last().filter(|_| parent.is_none()).map(|(name, _)| name.clone());
    Ok(Planned {
        id,
        resource_type,
        name,
        api_version,
        enabled,
        after: around.parent.into_iter().collect(),
        loops: around.loops.clone(),
        aliases: around.symbol.map(str::to_owned).into_iter().chain(loop_name).collect(),
        place: String::new(),
    })
}

/// The id, with the scope that the resource itself may name.
fn id_of(
    evaluator: &Evaluator,
    scope: &Scope,
    source: &Value,
    resource_type: &str,
    name: &str,
) -> Evaluated<String> {
    let text = |key: &str| source.get(key).map(|value| evaluator.text(value, key)).transpose();
    let extended = text("scope")?.map(|extended| {
        if extended.starts_with('/') {
            extended.trim_end_matches('/').to_owned()
        } else {
            format!("{}/providers/{extended}", scope.id())
        }
    });
    let mut place = scope.clone();
    if resource_type.eq_ignore_ascii_case(DEPLOYMENT) {
        place.subscription = text("subscriptionId")?.unwrap_or(place.subscription);
        place.group = text("resourceGroup")?.or(place.group);
    }
    Ok(plain_id(&extended.unwrap_or_else(|| place.id()), resource_type, name))
}

/// Compares without case.
fn ends_with(text: &str, end: &str) -> bool {
    text.to_ascii_lowercase().ends_with(&end.to_ascii_lowercase())
}

fn plain_id(scope: &str, resource_type: &str, name: &str) -> String {
    if resource_type.eq_ignore_ascii_case(GROUP) {
        let subscription = scope.split("/resourceGroups/").next().unwrap_or(scope);
        return format!("{subscription}/resourceGroups/{name}");
    }
    let (namespace, types) = resource_type.split_once('/').unwrap_or((resource_type, ""));
    let mut id = format!("{scope}/providers/{namespace}");
    for (part, name) in types.split('/').zip(name.split('/')) {
        id.push_str(&format!("/{part}/{name}"));
    }
    id
}

/// What `dependsOn` names, and what its values ask for in the same template.
fn waits_for(
    planned: &[Planned],
    index: usize,
    template: &Value,
    evaluator: &Evaluator,
) -> Evaluated<Vec<usize>> {
    let own = &planned[index];
    if !own.enabled {
        // What it would wait for need not be there either: azure-ai-ml sends such templates.
        return Ok(Vec::new());
    }
    let source = crate::json::at(template, &own.place);
    let named = |named: &str| -> Vec<usize> {
        let others = planned.iter().enumerate().filter(|(place, _)| *place != index);
        others.filter(|(_, other)| other.is_named(named)).map(|(place, _)| place).collect()
    };
    let mut after = Vec::new();
    let listed = match &source["dependsOn"] {
        Value::Null => Vec::new(),
        Value::Array(items) => items.clone(),
        _ => return Err(format!("The 'dependsOn' of '{}' must be an array.", own.name).into()),
    };
    for entry in listed {
        let entry = evaluator.within(&own.loops, |evaluator| evaluator.text(&entry, "dependsOn"))?;
        // An id without a name: azure-ai-ml sends one for the store that a feature store does not have.
        if entry.ends_with('/') {
            continue;
        }
        let found = named(&entry);
        if found.is_empty() && !own.is_named(&entry) {
            return Err(format!(
                "The resource '{entry}' is not defined in the template. Please see https://aka.ms/arm-syntax for \
                 usage details."
            )
            .into());
        }
        if own.is_named(&entry) && found.is_empty() {
            return Err(circular(&own.id));
        }
        after.extend(found);
    }
    let asked = evaluator.within(&own.loops, |evaluator| evaluator.examine(&deferred(source)))?;
    after.extend(asked.iter().flat_map(|asked| named(asked)));
    Ok(after)
}

fn refuse_twins(planned: &[Planned]) -> Evaluated<()> {
    let mut ids: Vec<String> =
        planned.iter().filter(|one| one.enabled).map(|one| one.id.to_ascii_lowercase()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(format!("The resource '{}' is defined multiple times in a template.", pair[0]).into())
        }
        None => Ok(()),
    }
}

/// Takes away whoever waits for nobody, again and again; who is left waits in a circle.
fn refuse_cycles(planned: &[Planned]) -> Evaluated<()> {
    let mut is_free = vec![false; planned.len()];
    loop {
        let next = (0..planned.len())
            .find(|index| !is_free[*index] && planned[*index].after.iter().all(|before| is_free[*before]));
        match next {
            Some(index) => is_free[index] = true,
            None => break,
        }
    }
    match is_free.iter().position(|free| !free) {
        Some(index) => Err(circular(&planned[index].id)),
        None => Ok(()),
    }
}

fn circular(id: &str) -> Failure {
    Failure::Invalid(format!(
        "Circular dependency detected on resource: '{id}'. Please see https://aka.ms/arm-syntax-resources for usage details."
    ))
}

fn without_directives(source: &Value) -> Value {
    let Value::Object(map) = source else { return json!({}) };
    let is_kept = |key: &String| !DIRECTIVES.iter().any(|directive| directive.eq_ignore_ascii_case(key));
    Value::Object(
        map.iter().filter(|(key, _)| is_kept(key)).map(|(key, value)| (key.clone(), value.clone())).collect(),
    )
}

/// Everything that is computed when the resource is deployed.
fn deferred(source: &Value) -> Value {
    let mut source = without_directives(source);
    if is_inner(&source) {
        crate::json::remove(&mut source, "/properties/template");
    }
    source
}

fn is_inner(source: &Value) -> bool {
    crate::json::text(source, "/properties/expressionEvaluationOptions/scope").eq_ignore_ascii_case("inner")
}

/// A nested template is computed here, unless it asks to be left alone for its own deployment.
fn deployment_body(source: &Value, evaluator: &Evaluator) -> Evaluated {
    let mut source = without_directives(source);
    let inner = crate::json::remove(&mut source, "/properties/template").unwrap_or_default();
    let template = if is_inner(&source) {
        inner
    } else {
        let mut computed = evaluator.tree(&inner)?;
        requote(&mut computed);
        computed
    };
    let mut body = evaluator.tree(&source)?;
    crate::json::set(&mut body, "/properties/template", template);
    Ok(body)
}

/// Makes computed text stand for itself when it is read as a template again.
fn requote(value: &mut Value) {
    match value {
        Value::String(text) => *text = quoted(text),
        Value::Array(items) => items.iter_mut().for_each(requote),
        Value::Object(map) => map.values_mut().for_each(requote),
        _ => {}
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let kept: Map<String, Value> =
                std::mem::take(map).into_iter().filter(|(_, value)| !value.is_null()).collect();
            *map = kept;
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
