//! A cloud that cannot be written to, for commands that only look.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use model::{ArmId, Kind, Listed, Observed, Secret};
use planner::preflight::{Location, Lock, Region};

use crate::provider::{
    CloudError, Collection, FileEntry, FileText, Item, Node, Operation, Outcome, Provider, Request, Sent,
};

/// Reads pass, writes are refused before anything is sent.
pub struct ReadOnly(pub Arc<dyn Provider>);

#[async_trait]
impl Provider for ReadOnly {
    async fn list(&self, collection: &Collection) -> Result<Vec<Observed>, CloudError> {
        self.0.list(collection).await
    }

    async fn get(&self, kind: &'static Kind, id: &ArmId) -> Result<Option<Observed>, CloudError> {
        self.0.get(kind, id).await
    }

    async fn inventory(&self, parent: &ArmId) -> Result<Vec<Item>, CloudError> {
        self.0.inventory(parent).await
    }

    async fn send(&self, request: &Request<'_>) -> Result<Sent, CloudError> {
        Err(refused(format!("this command only reads, and does not change {}", request.arm_id)))
    }

    async fn wait(&self, operation: &Operation) -> Result<(), CloudError> {
        self.0.wait(operation).await
    }

    /// Whoever only looks needs no secret.
    async fn secret(&self, id: &ArmId, _: &Listed) -> Result<Secret, CloudError> {
        Err(refused(format!("this command only looks, and needs no secret of {id}")))
    }

    async fn nodes(&self, id: &ArmId) -> Result<Vec<Node>, CloudError> {
        self.0.nodes(id).await
    }

    async fn regional(&self, location: &Location) -> Result<Region, CloudError> {
        self.0.regional(location).await
    }

    async fn files(&self, workspace: &ArmId, folder: &str) -> Result<Vec<FileEntry>, CloudError> {
        self.0.files(workspace, folder).await
    }

    async fn file(&self, workspace: &ArmId, path: &str, most: u64) -> Result<Option<FileText>, CloudError> {
        self.0.file(workspace, path, most).await
    }

    async fn locks(&self, scope: &ArmId) -> Result<Vec<Lock>, CloudError> {
        self.0.locks(scope).await
    }

    async fn outdated(&self, set: &ArmId) -> Result<Vec<String>, CloudError> {
        self.0.outdated(set).await
    }

    async fn name_taken(&self, kind: &'static Kind, id: &ArmId) -> Result<Option<String>, CloudError> {
        self.0.name_taken(kind, id).await
    }

    async fn api_versions(&self, id: &ArmId) -> Result<Vec<String>, CloudError> {
        self.0.api_versions(id).await
    }

    fn gone_proof_interval(&self) -> Duration {
        self.0.gone_proof_interval()
    }

    fn now(&self) -> Option<Timestamp> {
        self.0.now()
    }
}

fn refused(message: String) -> CloudError {
    CloudError {
        outcome: Outcome::NotDone,
        status: None,
        code: String::new(),
        message,
        advice: None,
        facts: Vec::new(),
        request_ids: Box::default(),
    }
}
