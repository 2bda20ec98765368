//! The bodies of replies that do not arrive as they should: late, in part, or not at all.

use std::io;
use std::time::Duration;

use axum::body::Body;
use futures_util::{StreamExt, stream};

use crate::wire::Delivery;

/// The longest that a hanging reply keeps its connection; clients give up long before.
const HANG_MAX: Duration = Duration::from_secs(600);

/// Pieces of a slow body.
const PIECES: usize = 20;

/// Waits for as long as a hanging reply does; a client that goes away ends it earlier.
pub(crate) async fn hang() {
    tokio::time::sleep(HANG_MAX).await;
}

/// A body that travels like this.
pub(crate) fn body(bytes: Vec<u8>, delivery: Delivery) -> Body {
    match delivery {
        Delivery::Whole | Delivery::Reset | Delivery::Hang => Body::from(bytes),
        Delivery::Truncated(length) => truncated(bytes, length),
        Delivery::Slow(time) => slow(&bytes, time),
    }
}

/// The first bytes, and then the end of the connection instead of the rest.
fn truncated(mut bytes: Vec<u8>, length: usize) -> Body {
    bytes.truncate(length);
    let end = stream::once(async {
        // A body that waits is flushed, so that its first part leaves before the connection breaks.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(stream::iter([Ok(bytes)]).chain(end))
}

/// All bytes, with pauses between them that take this time together.
fn slow(bytes: &[u8], time: Duration) -> Body {
    let size = bytes.len().div_ceil(PIECES).max(1);
    let pieces: Vec<Vec<u8>> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
    let pause = time / u32::try_from(pieces.len().max(1)).expect("BUG: a body has few pieces");
    Body::from_stream(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<Vec<u8>, io::Error>(piece)
    }))
}
