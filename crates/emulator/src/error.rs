//! Refusals, with the codes and texts that ARM and the ML service use.
//!
//! Codes come from recordings and issue reports; where none was seen the choice is noted.

use serde_json::{Value, json};

use crate::wire::Response;

/// A refusal: what the reply says, and who says it.
#[derive(Clone, Debug)]
pub(crate) struct ArmError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) target: Option<String>,
    pub(crate) details: Vec<Value>,
    more: Box<More>,
    from_service: bool,
}

/// What few refusals have.
#[derive(Clone, Debug, Default)]
struct More {
    /// What `additionalInfo` holds.
    additional: Vec<Value>,
    headers: Vec<(String, String)>,
}

/// What a handler returns.
pub(crate) type Reply = Result<Response, ArmError>;

impl ArmError {
    /// A refusal by ARM itself, before the resource provider is asked.
    pub(crate) fn gateway(status: u16, code: &str, message: impl Into<String>) -> ArmError {
        let (code, message) = (code.to_owned(), message.into());
        ArmError {
            status,
            code,
            message,
            target: None,
            details: Vec::new(),
            more: Box::default(),
            from_service: false,
        }
    }

    /// A refusal by the resource provider.
    pub(crate) fn service(status: u16, code: &str, message: impl Into<String>) -> ArmError {
        ArmError { from_service: true, ..ArmError::gateway(status, code, message) }
    }

    /// The same refusal with a more precise one inside.
    pub(crate) fn because(mut self, code: &str, message: impl Into<String>) -> ArmError {
        self.details.push(json!({ "code": code, "message": message.into() }));
        self
    }

    /// The same refusal about a named field.
    pub(crate) fn about(mut self, target: &str) -> ArmError {
        self.target = Some(target.to_owned());
        self
    }

    /// The same refusal with an entry more in `additionalInfo`.
    pub(crate) fn also(mut self, kind: &str, info: Value) -> ArmError {
        self.more.additional.push(json!({ "type": kind, "info": info }));
        self
    }

    /// The same refusal with a header more on its reply.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> ArmError {
        self.more.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The object inside the error envelope.
    pub(crate) fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(target) = &self.target {
            error["target"] = json!(target);
        }
        if !self.details.is_empty() {
            error["details"] = json!(self.details);
        }
        if !self.more.additional.is_empty() {
            error["additionalInfo"] = json!(self.more.additional);
        }
        error
    }

    /// The reply that carries it.
    pub(crate) fn response(&self) -> Response {
        let cause = if self.from_service { "service" } else { "gateway" };
        let reply =
            Response::json(self.status, &json!({ "error": self.body() })).with("x-ms-failure-cause", cause);
        self.more.headers.iter().fold(reply, |reply, (name, value)| reply.with(name, value))
    }
}

/// 404 for a resource whose parents stand.
pub(crate) fn resource_not_found(type_and_name: &str, group: &str) -> ArmError {
    let message = format!(
        "The Resource '{type_and_name}' under resource group '{group}' was not found. \
         For more details please go to https://aka.ms/ARMResourceNotFoundFix"
    );
    ArmError::gateway(404, "ResourceNotFound", message)
}

/// 404 for a child of something missing; `verb` is read, write, delete or an action.
pub(crate) fn parent_not_found(verb: &str, child_type: &str, parent_id: &str) -> ArmError {
    let message = format!(
        "Failed to perform '{verb}' on resource(s) of type '{child_type}', \
         because the parent resource '{parent_id}' could not be found."
    );
    ArmError::gateway(404, "ParentResourceNotFound", message)
}

/// 404 for a resource group.
pub(crate) fn group_not_found(group: &str) -> ArmError {
    ArmError::gateway(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found."))
}

/// 409 for a write into a resource group on its way out.
pub(crate) fn group_being_deleted(group: &str) -> ArmError {
    let message =
        format!("The resource group '{group}' is in deprovisioning state and cannot perform this operation.");
    ArmError::gateway(409, "ResourceGroupBeingDeleted", message)
}

/// 404 for a subscription.
pub(crate) fn subscription_not_found(name: &str) -> ArmError {
    let message = format!("The subscription '{name}' could not be found.");
    ArmError::gateway(404, "SubscriptionNotFound", message)
}

/// 404 for the status of an operation that nobody knows, or knows no more.
pub(crate) fn operation_not_found(id: &str) -> ArmError {
    ArmError::service(404, "NotFound", format!("The operation '{id}' could not be found."))
}

/// 404 for a path that leads nowhere.
pub(crate) fn no_such_route(path: &str) -> ArmError {
    ArmError::gateway(
        404,
        "InvalidResourceType",
        format!("The resource type or action of '{path}' could not be found."),
    )
}

/// 405 for a method that the path does not take.
pub(crate) fn method_not_allowed(method: &str) -> ArmError {
    ArmError::gateway(405, "MethodNotAllowed", format!("The method '{method}' is not allowed here."))
}

/// 400 for a body that cannot be read as what it should be.
pub(crate) fn bad_content(message: impl Into<String>) -> ArmError {
    ArmError::gateway(400, "InvalidRequestContent", message)
}

/// 409 for a write while another operation runs; status and code are our choice, neither was recorded.
pub(crate) fn operation_in_flight(id: &str) -> ArmError {
    let message = format!(
        "Cannot modify resource with id '{id}' because its provisioning state is not terminal. \
         Wait for the operation in progress and then retry the request."
    );
    ArmError::service(409, "Conflict", message)
}

/// 412 for a condition on a version that does not hold; the text is our choice.
pub(crate) fn precondition_failed(condition: &str, of: &str) -> ArmError {
    let message = format!("The condition '{condition}' of the request does not hold for '{of}'.");
    ArmError::service(412, "PreconditionFailed", message)
}
