//! The language as a whole: functions, parameters, and the plan of a template's resources.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::plan::{Planned, Scope};
use super::{Evaluated, Evaluator, Failure, Surroundings, parameters, plan};

/// A group in which one storage account stands, and nothing else.
struct Place;

impl Surroundings for Place {
    fn object(&self, name: &str) -> Option<Value> {
        match name {
            "subscription" => {
                Some(json!({ "id": "/subscriptions/s", "subscriptionId": "s", "tenantId": "t" }))
            }
            "resourceGroup" => Some(
                json!({ "id": "/subscriptions/s/resourceGroups/g", "name": "g", "location": "westeurope" }),
            ),
            _ => None,
        }
    }

    fn provider(&self, namespace: &str) -> Option<Value> {
        let types = json!([{ "resourceType": "widgets", "apiVersions": ["2026-01-01", "2020-01-01"] }]);
        namespace.eq_ignore_ascii_case("Contoso.Things").then(|| json!({ "resourceTypes": types }))
    }

    fn now(&self) -> Timestamp {
        "2026-11-21T08:09:10Z".parse().unwrap()
    }

    fn new_guid(&self) -> String {
        "00000000-0000-0000-0000-000000000009".to_owned()
    }

    fn resource(&self, named: &str) -> Evaluated {
        if named.ends_with("/sa") {
            Ok(json!({ "location": "westeurope", "properties": { "endpoint": "https://sa" } }))
        } else {
            Err(Failure::Later)
        }
    }

    fn list(&self, action: &str, named: &str, _: &str, _: &Value) -> Evaluated {
        Ok(json!({ "keys": [{ "value": format!("{action} of {named}") }] }))
    }
}

fn evaluated(text: &str) -> Evaluated {
    let parameters = BTreeMap::from([("name".to_owned(), json!("Ada")), ("list".to_owned(), json!([3, 1]))]);
    let template = json!({ "variables": {
        "greeting": "[concat('Hello, ', parameters('NAME'))]",
        "twice": "[concat(variables('greeting'), variables('greeting'))]",
        "settings": { "Deep": [{ "x": "[variables('greeting')]" }] },
        "circle": "[variables('circle')]",
        "copy": [{ "name": "hosts", "count": 2, "input": "[concat('host-', copyIndex('hosts', 1))]" }],
    }});
    Evaluator::new(&template, &parameters, &Place).string(text)
}

fn value(text: &str) -> Value {
    evaluated(text).unwrap_or_else(|failure| panic!("{text}: {failure:?}"))
}

fn problem(text: &str) -> String {
    match evaluated(text) {
        Err(Failure::Invalid(problem)) => problem,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn functions_give_what_is_documented() {
    let cases = [
        ("[parameters('name')]", json!("Ada")),
        ("[variables('twice')]", json!("Hello, AdaHello, Ada")),
        ("[variables('settings').deep[0].X]", json!("Hello, Ada")),
        ("[variables('hosts')]", json!(["host-1", "host-2"])),
        ("[concat('a', 1, true())]", json!("a1True")),
        ("[concat(createArray(1), parameters('list'))]", json!([1, 3, 1])),
        ("[if(equals(parameters('name'), 'ada'), nonsense(), 'no')]", json!("no")),
        ("[and(true(), equals(1, 1))]", json!(true)),
        ("[or(false(), not(false()), nonsense())]", json!(true)),
        ("[coalesce(null(), 'x')]", json!("x")),
        ("[empty('')]", json!(true)),
        ("[empty(createArray())]", json!(true)),
        ("[empty(json('null'))]", json!(true)),
        ("[json('{\"a\": [1]}').a[0]]", json!(1)),
        ("[toLower('ÄB')]", json!("äb")),
        ("[toUpper('ab')]", json!("AB")),
        ("[array('x')]", json!(["x"])),
        (
            "[resourceId('Contoso.Things/widgets', 'w')]",
            json!("/subscriptions/s/resourceGroups/g/providers/Contoso.Things/widgets/w"),
        ),
        (
            "[resourceId('other', 'Contoso.Things/widgets/parts', 'w', 'p')]",
            json!("/subscriptions/s/resourceGroups/other/providers/Contoso.Things/widgets/w/parts/p"),
        ),
        (
            "[resourceId('s2', 'g2', 'Contoso.Things/widgets', 'w')]",
            json!("/subscriptions/s2/resourceGroups/g2/providers/Contoso.Things/widgets/w"),
        ),
        (
            "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]",
            json!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r"),
        ),
        ("[tenantResourceId('Contoso.Things/widgets', 'w')]", json!("/providers/Contoso.Things/widgets/w")),
        (
            "[extensionResourceId('/x', 'Contoso.Things/widgets', 'w')]",
            json!("/x/providers/Contoso.Things/widgets/w"),
        ),
        ("[subscription().tenantId]", json!("t")),
        ("[resourceGroup().Name]", json!("g")),
        ("[reference('/sa').endpoint]", json!("https://sa")),
        ("[reference('/sa', '2026-01-01', 'Full').location]", json!("westeurope")),
        ("[listKeys('/sa', '2026-01-01').keys[0].value]", json!("listKeys of /sa")),
        ("[providers('contoso.things', 'Widgets').apiVersions[0]]", json!("2026-01-01")),
        ("[format('{0} {{x}} {1}', 'a', 2)]", json!("a {x} 2")),
        ("[length('äb')]", json!(2)),
        ("[contains('abc', 'b')]", json!(true)),
        ("[contains(parameters('list'), 3)]", json!(true)),
        ("[contains(createObject('A', 1), 'a')]", json!(true)),
        ("[union(createObject('a', 1), createObject('b', 2, 'a', 3))]", json!({ "a": 3, "b": 2 })),
        ("[union(createArray(1, 2), createArray(2, 3))]", json!([1, 2, 3])),
        ("[intersection(createArray(1, 2), createArray(2, 3))]", json!([2])),
        ("[split('a,b;c', createArray(',', ';'))]", json!(["a", "b", "c"])),
        ("[join(createArray('a', 'b'), '-')]", json!("a-b")),
        ("[replace('a-b-c', '-', '')]", json!("abc")),
        ("[substring('hello', 1, 3)]", json!("ell")),
        ("[string(createArray('a'))]", json!("[\"a\"]")),
        ("[int('42')]", json!(42)),
        ("[bool('TRUE')]", json!(true)),
        ("[add(1, mul(2, 3))]", json!(7)),
        ("[mod(7, 3)]", json!(1)),
        ("[less('a', 'b')]", json!(true)),
        ("[range(2, 3)]", json!([2, 3, 4])),
        ("[take('hello', 2)]", json!("he")),
        ("[skip(parameters('list'), 1)]", json!([1])),
        ("[first('x')]", json!("x")),
        ("[last(parameters('list'))]", json!(1)),
        ("[max(parameters('list'))]", json!(3)),
        ("[startsWith('ABC', 'ab')]", json!(true)),
        ("[indexOf('abc', 'C')]", json!(2)),
        ("[padLeft(7, 3, '0')]", json!("007")),
        ("[base64ToString(base64('é'))]", json!("é")),
        ("[length(uniqueString('a', 'b'))]", json!(13)),
        ("[equals(uniqueString('a', 'b'), uniqueString('a', 'c'))]", json!(false)),
        ("[guid('a', 'b')]", value("[guid('a-b')]")),
        ("[[not an expression]", json!("[not an expression]")),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let cases = [
        ("[nonsense('x')]", "The template function 'nonsense' is not valid"),
        ("[own.function()]", "The template function 'own.function' is not valid"),
        ("[parameters('other')]", "The template parameter 'other' is not found"),
        ("[variables('other')]", "The template variable 'other' is not found"),
        ("[variables('circle')]", "is defined by itself"),
        ("[toLower()]", "'toLower' takes 1 arguments, not 0"),
        ("[toLower(1)]", "'toLower' needs a string as argument 1"),
        (
            "[resourceGroup().nope]",
            "property 'nope' doesn't exist, available properties are 'id, location, name'",
        ),
        ("[parameters('list')[2]]", "property '2' doesn't exist"),
        ("[resourceId('Contoso.Things/widgets/parts', 'w')]", "as many names as the type"),
        ("[if('yes', 1, 2)]", "needs a boolean"),
        ("[substring('abc', 2, 2)]", "ends inside the text"),
        ("[div(1, 0)]", "has no result"),
        ("[copyIndex()]", "'copyIndex' is not expected"),
        ("[newGuid()]", "only for default values"),
        ("[deployment().name]", "not valid at the scope"),
        ("[range(0, 100000)]", "at most 10000"),
        ("[json('{')]", "text in JSON"),
    ];
    for (text, expected) in cases {
        let problem = problem(text);
        assert!(problem.contains(expected), "{text}: {problem}");
    }
    assert_eq!(evaluated("[reference('not-yet').x]"), Err(Failure::Later));
}

#[test]
fn a_template_cannot_grow_or_sink_without_end() {
    let mut variables = serde_json::Map::new();
    variables.insert("v0".to_owned(), json!("xxxxxxxxxxxxxxxx"));
    for level in 1..64 {
        let before = level - 1;
        let twice = format!("[concat(variables('v{before}'), variables('v{before}'))]");
        variables.insert(format!("v{level}"), json!(twice));
    }
    let template = json!({ "variables": variables });
    let none = BTreeMap::new();
    let evaluator = Evaluator::new(&template, &none, &Place);
    assert!(evaluator.string("[variables('v10')]").is_ok());
    let failure = evaluator.string("[variables('v40')]").unwrap_err();
    assert!(format!("{failure:?}").contains("too large"), "{failure:?}");
    let chain: serde_json::Map<String, Value> = (0..1_000)
        .map(|level| (format!("v{level}"), json!(format!("[variables('v{}')]", level + 1))))
        .collect();
    let template = json!({ "variables": chain });
    let failure = Evaluator::new(&template, &none, &Place).string("[variables('v0')]").unwrap_err();
    assert!(format!("{failure:?}").contains("too deeply"), "{failure:?}");
}

#[test]
fn parameters_are_typed_completed_and_kept_secret() {
    let template = json!({ "parameters": {
        "location": { "type": "STRING", "defaultValue": "[resourceGroup().location]" },
        "first": { "type": "string", "defaultValue": "[concat(parameters('second'), '!')]" },
        "second": { "type": "string", "defaultValue": "[toUpper(parameters('location'))]" },
        "password": { "type": "securestring" },
        "count": { "type": "int", "minValue": 1, "maxValue": 3 },
        "sku": { "type": "string", "allowedValues": ["Basic", "Free"], "defaultValue": "Basic" },
        "id": { "type": "string", "defaultValue": "[newGuid()]" },
        "when": { "type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]" },
        "maybe": { "type": "string", "defaultValue": "none" },
    }});
    let settle = |given: &Value| parameters::settle(&template, given, &Place);
    let given = json!({
        "Password": { "value": "pw-1" }, "count": { "value": 2 }, "maybe": { "value": null }, "sku": {},
    });
    let settled = settle(&given).unwrap();
    assert_eq!(settled.plain["first"], "WESTEUROPE!");
    assert_eq!(settled.plain["maybe"], "none");
    assert_eq!(settled.plain["id"], "00000000-0000-0000-0000-000000000009");
    assert_eq!(settled.plain["when"], "2026-11-21");
    assert_eq!((settled.secure["password"].clone(), settled.plain.get("password")), (json!("pw-1"), None));
    assert_eq!(settled.shown["password"], json!({ "type": "SecureString" }));
    assert_eq!(settled.shown["count"], json!({ "type": "Int", "value": 2 }));
    let with = |key: &str, value: Value| {
        let mut given = json!({ "password": { "value": "pw-1" }, "count": { "value": 2 } });
        given[key] = value;
        match settle(&given) {
            Err(Failure::Invalid(problem)) => problem,
            other => panic!("{key}: {other:?}"),
        }
    };
    let cases = [
        ("count", json!({ "value": 9 }), "'maxValue' is 3"),
        ("count", json!({ "value": "2" }), "expected type 'Int'"),
        ("count", json!(2), "must be an object with 'value'"),
        ("count", json!({ "value": null }), "'count' is not provided"),
        ("sku", json!({ "value": "Gold" }), "allowed value(s): 'Basic,Free'"),
        ("colour", json!({ "value": 1 }), "'colour' is not in the template"),
        ("password", json!({ "reference": {} }), "refers to a key vault"),
    ];
    for (key, value, expected) in cases {
        let problem = with(key, value);
        assert!(problem.contains(expected), "{key}: {problem}");
    }
}

#[test]
fn secure_values_are_taken_out_of_a_request_at_any_depth() {
    let template = json!({ "parameters": { "Token": { "type": "securestring", "defaultValue": "pw-2" } } });
    let nested = json!({ "template": template, "parameters": { "token": { "value": "pw-1" } } });
    let mut body = json!({ "properties": {
        "template": { "parameters": {}, "resources": [{ "properties": nested }] },
        "parameters": { "open": { "value": "seen" } },
    }});
    parameters::redact(&mut body);
    let text = body.to_string();
    assert!(!text.contains("pw-1") && !text.contains("pw-2") && text.contains("seen"), "{text}");
}

fn planned(resources: Value) -> Evaluated<Vec<Planned>> {
    let template = json!({ "resources": resources });
    let none = BTreeMap::new();
    let evaluator = Evaluator::new(&template, &none, &Place);
    plan::resources(&template, &evaluator, &Scope { subscription: "s".into(), group: Some("g".into()) })
}

fn thing(name: &str, more: Value) -> Value {
    let mut thing = json!({ "type": "Contoso.Things/widgets", "apiVersion": "2026-01-01", "name": name });
    crate::json::overlay(&mut thing, &more);
    thing
}

fn refusal(resources: Value) -> String {
    match planned(resources) {
        Err(Failure::Invalid(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn dependencies_come_from_names_ids_loops_and_references() {
    let list = planned(json!([
        thing("a", json!({ "dependsOn": ["b", "[resourceId('Contoso.Things/widgets', 'off')]", "many", "Contoso.Things/widgets/f", "/x/"] })),
        thing("b", json!({ "properties": { "x": "[concat(reference('c').y, reference(resourceId('Contoso.Things/widgets', 'd')).y)]" } })),
        thing("c", json!({})),
        thing("d", json!({})),
        thing("off", json!({ "condition": false, "dependsOn": ["nobody"], "properties": "[nonsense()]" })),
        thing("[concat('m', copyIndex())]", json!({ "copy": { "name": "many", "count": "[add(1, 1)]" } })),
        thing("f", json!({ "resources": [
            { "type": "parts", "apiVersion": "2026-01-01", "name": "p", "condition": "False" },
            { "type": "Contoso.Things/widgets/parts", "apiVersion": "2026-01-01", "name": "f/q", "dependsOn": ["a"] },
        ]})),
    ])
    ).unwrap();
    let names: Vec<&str> = list.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d", "off", "m0", "m1", "f", "f/p", "f/q"]);
    let after: Vec<&[usize]> = list.iter().map(|one| one.after.as_slice()).collect();
    assert_eq!(after[..2], [&[1, 4, 5, 6, 7][..], &[2, 3]]);
    assert_eq!(after[8..], [&[7][..], &[0, 7]]);
    let enabled: Vec<usize> = (0..list.len()).filter(|index| list[*index].enabled).collect();
    assert_eq!(enabled, [0, 1, 2, 3, 5, 6, 7, 9]);
    assert_eq!(list[9].id, "/subscriptions/s/resourceGroups/g/providers/Contoso.Things/widgets/f/parts/q");
    assert_eq!(list[9].resource_type, "Contoso.Things/widgets/parts");
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let copy = json!({ "copy": { "name": "c", "count": 801 } });
    let cases = [
        (
            json!([thing("a", json!({ "dependsOn": ["nobody"] }))]),
            "The resource 'nobody' is not defined in the template",
        ),
        (
            json!([thing("a", json!({ "dependsOn": ["b"] })), thing("b", json!({ "dependsOn": ["a"] }))]),
            "Circular dependency",
        ),
        (json!([thing("a", json!({ "dependsOn": ["a"] }))]), "Circular dependency"),
        (json!([thing("a", json!({})), thing("A", json!({}))]), "is defined multiple times"),
        (json!([thing("a/b", json!({}))]), "incorrect segment lengths"),
        (json!([{ "type": "Contoso.Things/widgets", "name": "a" }]), "has no 'apiVersion'"),
        (json!([thing("[reference('x').y]", json!({}))]), "'reference' is not expected"),
        (json!([thing("a", json!({ "properties": { "x": "[nonsense()]" } }))]), "'nonsense' is not valid"),
        (json!([thing("a", copy)]), "from 0 to 800"),
        (json!([thing("a", json!({ "condition": 1 }))]), "must be a boolean"),
        (json!("x"), "must be an array or an object"),
    ];
    for (resources, expected) in cases {
        let problem = refusal(resources.clone());
        assert!(problem.contains(expected), "{resources}: {problem}");
    }
}

#[test]
fn bodies_have_loops_and_nested_templates_their_own_time() {
    let inner =
        json!({ "resources": [], "outputs": { "x": { "type": "string", "value": "[parameters('own')]" } } });
    let outer = json!({ "outputs": { "x": { "type": "string", "value": "[resourceGroup().name]" }, "y": "[[literal]" } });
    let nested = |scope: &str, template: &Value| {
        json!({ "type": "Microsoft.Resources/deployments", "apiVersion": "2020-06-01", "name": scope,
            "resourceGroup": "elsewhere",
            "properties": { "mode": "Incremental", "expressionEvaluationOptions": { "scope": scope }, "template": template } })
    };
    let resources = json!([
        thing(
            "[concat('w', copyIndex('w'))]",
            json!({
                "copy": { "name": "w", "count": 2 },
                "location": "[resourceGroup().location]",
                "properties": {
                    "none": null,
                    "copy": [{ "name": "disks", "count": 2, "input": { "lun": "[copyIndex('disks')]", "of": "[copyIndex('w')]" } }],
                },
            })
        ),
        nested("inner", &inner),
        nested("outer", &outer),
        thing("extended", json!({ "scope": "Contoso.Things/widgets/w0" })),
    ]);
    let template = json!({ "resources": resources });
    let list = planned(resources).unwrap();
    let none = BTreeMap::new();
    let evaluator = Evaluator::new(&template, &none, &Place);
    let body = list[1].body(&template, &evaluator).unwrap();
    assert_eq!(
        body,
        json!({ "location": "westeurope", "properties": { "disks": [{ "lun": 0, "of": 1 }, { "lun": 1, "of": 1 }] } })
    );
    assert_eq!(list[2].body(&template, &evaluator).unwrap()["properties"]["template"], inner);
    let computed = list[3].body(&template, &evaluator).unwrap()["properties"]["template"]["outputs"].clone();
    assert_eq!(computed, json!({ "x": { "type": "string", "value": "g" }, "y": "[[literal]" }));
    assert_eq!(
        list[2].id,
        "/subscriptions/s/resourceGroups/elsewhere/providers/Microsoft.Resources/deployments/inner"
    );
    assert_eq!(
        list[4].id,
        "/subscriptions/s/resourceGroups/g/providers/Contoso.Things/widgets/w0/providers/Contoso.Things/widgets/extended"
    );
}

#[test]
fn serial_loops_wait_for_the_batch_before() {
    let copy = json!({ "copy": { "name": "c", "count": 5, "mode": "Serial", "batchSize": 2 } });
    let list = planned(json!([thing("[concat('a', copyIndex())]", copy)])).unwrap();
    let after: Vec<&[usize]> = list.iter().map(|one| one.after.as_slice()).collect();
    assert_eq!(after, [&[][..], &[], &[0, 1], &[0, 1], &[2, 3]]);
}
