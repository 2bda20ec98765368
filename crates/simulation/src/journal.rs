//! The journal's text, read by the judge: what is announced and has not ended.

use model::Json;

/// An open intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The serial that its journal goes on from, and its number in there.
    pub(crate) key: (u64, u64),
    /// What is to be done.
    pub(crate) step: String,
    /// To what, folded.
    pub(crate) arm_id: String,
}

/// The open intents in the bytes of a journal.
pub(crate) fn announced(bytes: &[u8]) -> Vec<Announced> {
    let text = String::from_utf8_lossy(bytes);
    let mut open: Vec<Announced> = Vec::new();
    let mut serial = 0;
    let batches = text.lines().skip(1).filter_map(|line| line.splitn(3, ' ').nth(2));
    let batches = batches.filter_map(|records| serde_json::from_str::<Vec<Json>>(records).ok());
    for record in batches.flatten() {
        let sequence = record["sequence"].as_u64().unwrap_or_default();
        match record["record"].as_str() {
            Some("begin") => serial = record["base_serial"].as_u64().unwrap_or_default(),
            Some("intent") => open.push(Announced {
                key: (serial, sequence),
                step: record["step"].as_str().unwrap_or_default().to_owned(),
                arm_id: record["arm_id"].as_str().unwrap_or_default().to_ascii_lowercase(),
            }),
            Some("done" | "failed") => open.retain(|intent| intent.key.1 != sequence),
            _ => {}
        }
    }
    open
}
