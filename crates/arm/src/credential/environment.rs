//! The variables that credentials are read from: `AZURE_…`, as the SDKs name them, and `ARM_…`, as
//! Terraform does. Empty ones count as not set.

use model::Secret;

use super::CredentialError;

/// Looks up a variable of the environment.
pub type Environment<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Names of one thing; the first that is set counts.
pub(super) type Names = &'static [&'static str];

/// Inside the tasks of an Azure service connection the last ones are set.
pub(super) const TENANT: Names = &["AZURE_TENANT_ID", "ARM_TENANT_ID", "AZURESUBSCRIPTION_TENANT_ID"];
pub(super) const CLIENT: Names = &["AZURE_CLIENT_ID", "ARM_CLIENT_ID", "AZURESUBSCRIPTION_CLIENT_ID"];

/// The application that signs in.
#[derive(Debug, Clone)]
pub(super) struct Principal {
    pub(super) tenant: String,
    pub(super) client: String,
}

/// The environment, on behalf of one credential.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a> {
    pub(super) credential: &'static str,
    pub(super) environment: Environment<'a>,
}

impl Variables<'_> {
    /// The name that is set, and its value.
    pub(super) fn named(&self, names: Names) -> Option<(&'static str, String)> {
        let value = |name: &&'static str| Some((*name, (self.environment)(name)?));
        names.iter().filter_map(value).find(|(_, value)| !value.is_empty())
    }

    pub(super) fn get(&self, names: Names) -> Option<String> {
        self.named(names).map(|(_, value)| value)
    }

    pub(super) fn is_true(&self, names: Names) -> bool {
        self.get(names).is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn need(&self, names: Names) -> Result<String, CredentialError> {
        self.get(names).ok_or(CredentialError::Missing { credential: self.credential, names, hint: "" })
    }

    pub(super) fn need_secret(&self, names: Names) -> Result<Secret, CredentialError> {
        self.need(names).map(Secret::new)
    }

    pub(super) fn principal(&self) -> Result<Principal, CredentialError> {
        Ok(Principal { tenant: self.need(TENANT)?, client: self.need(CLIENT)? })
    }
}

/// Whether nobody watches: `CI`, or Azure Pipelines' own word for it.
pub(super) fn is_ci(environment: Environment<'_>) -> bool {
    let no = |value: &str| value.is_empty() || value == "0" || value.eq_ignore_ascii_case("false");
    ["CI", "TF_BUILD"].iter().any(|name| environment(name).is_some_and(|value| !no(value.trim())))
}
