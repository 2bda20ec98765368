//! The certificates of the HTTPS face: an authority of its own, made anew at each start, and a leaf for loopback names.
//!
//! The authority's key signs one certificate and is dropped: it never leaves this function, let alone the process.

use std::io;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Who may be asked for: what a client can call this machine.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How long the certificates are good. macOS takes at most 825 days of a leaf.
const DAYS: i64 = 365;

/// What the HTTPS face is served with.
pub(crate) struct Identity {
    /// The authority's certificate, which clients must trust.
    pub(crate) authority_pem: String,
    /// Accepts connections with the leaf.
    pub(crate) acceptor: TlsAcceptor,
}

impl Identity {
    /// Makes an authority and a leaf.
    pub(crate) fn new() -> io::Result<Identity> {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let issued = issue(today).map_err(io::Error::other)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|config| config.with_no_client_auth())
            .and_then(|config| config.with_single_cert(vec![issued.leaf], issued.key));
        let mut config = config.map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Identity { authority_pem: issued.authority_pem, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

struct Issued {
    authority_pem: String,
    leaf: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// Strict clients (Python from 3.13 on) want key usages on the authority and its identifier on the leaf.
fn issue(today: Date) -> Result<Issued, rcgen::Error> {
    let mut params = lasting(CertificateParams::default(), today);
    params.distinguished_name.push(DnType::CommonName, "plumb emulator authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut params = lasting(CertificateParams::new(NAMES.map(str::to_owned).to_vec())?, today);
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let leaf = params.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok(Issued { authority_pem: authority.pem(), leaf: leaf.der().clone(), key })
}

/// From yesterday on, for clocks that run behind.
fn lasting(mut params: CertificateParams, today: Date) -> CertificateParams {
    let day = |date: Date| {
        date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(today.saturating_sub(Span::new().days(1)));
    params.not_after = day(today.saturating_add(Span::new().days(DAYS)));
    params
}
