//! The state file: what is noticed, and how it is said.

use state::{Damage, decode, encode};

use crate::support::snapshot;

fn refusal(bytes: &[u8]) -> Damage {
    decode(bytes).expect_err("a bad file")
}

/// A file whose checksum is right for whatever stands after it.
fn forged(change: impl FnOnce(String) -> String) -> Vec<u8> {
    let text = change(String::from_utf8(encode(&snapshot(3, 2))).expect("text"));
    let (head, rest) = text.split_at(text.find("\",\n  \"tool\"").expect("the checksum's end"));
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, rest.as_bytes());
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let head = &head[..head.len() - 64];
    format!("{head}{sum}{rest}").into_bytes()
}

#[test]
fn a_snapshot_comes_back_and_has_one_form() {
    let bytes = encode(&snapshot(3, 2));
    assert_eq!(decode(&bytes), Ok(snapshot(3, 2)));
    assert_eq!(encode(&decode(&bytes).expect("a good file")), bytes);
    let text = String::from_utf8(bytes).expect("text");
    let lines: Vec<&str> = text.lines().take(5).collect();
    assert_eq!((lines[0], lines[1]), ("{", "  \"format\": 1,"));
    assert!(
        lines[2].starts_with("  \"checksum\": \"sha256:") && lines[3].starts_with("  \"tool\": \"plumb ")
    );
    assert!(text.ends_with("\n  }\n}\n"));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let good = encode(&snapshot(3, 2));
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&bytes).is_err(), "bit {bit}");
    }
}

#[test]
fn every_cut_is_noticed_and_named() {
    let good = encode(&snapshot(3, 2));
    assert_eq!(refusal(&[]), Damage::Empty);
    for length in 1..good.len() {
        assert_eq!(refusal(&good[..length]), Damage::CutShort, "{length}");
    }
}

#[test]
fn odd_files_are_refused_in_plain_words() {
    let good = encode(&snapshot(3, 2));
    let text = String::from_utf8(good.clone()).expect("text");
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = text.replace("  \"serial\"", "<<<<<<< HEAD\n  \"serial\"");
    for (bytes, words) in [
        ([b"\xef\xbb\xbf", good.as_slice()].concat(), "byte order mark"),
        ([b"\xff\xfe", utf16.as_slice()].concat(), "UTF-16"),
        (utf16, "UTF-16"),
        (vec![0; good.len()], "zero bytes"),
        (marked.into_bytes(), "conflict markers of a merge at line 6"),
        ([good.as_slice(), b"{}"].concat(), "goes on after its end"),
        ([good.as_slice(), b"\n"].concat(), "goes on after its end"),
        (text.replace("cpu-1", "cpu-2").into_bytes(), "changed after plumb wrote it"),
        (text.replace("\"format\": 1", "\"format\": 2").into_bytes(), "has format 2"),
        (text.replace('\n', "\r\n").into_bytes(), "does not begin as a plumb state"),
        (b"{\"version\":4,\"terraform_version\":\"1.11.4\"}".to_vec(), "Terraform state"),
        (text.replace("\"format\": 1", "\"format\": \"one\"").into_bytes(), "has format"),
        ((0..=255).collect(), "zero bytes"),
        (b"\x7fELF\x02\x01\x01".to_vec(), "does not begin as a plumb state"),
        (b"null".to_vec(), "does not begin as a plumb state"),
        (b"{}".to_vec(), "does not begin as a plumb state"),
        (b" \n".to_vec(), "does not begin as a plumb state"),
        (b"[".repeat(200_000), "does not begin as a plumb state"),
    ] {
        let message = refusal(&bytes).to_string();
        assert!(message.contains(words), "{words}: {message}");
    }
}

#[test]
fn a_right_checksum_does_not_excuse_what_is_unknown_or_contradictory() {
    let double = |text: String| text.replacen("cluster/research/cpu-1", "cluster/research/cpu-0", 1);
    for (bytes, words) in [
        (
            forged(|text| text.replacen("\"cloud\"", "\"colour\": 1,\n  \"cloud\"", 1)),
            "unknown field `colour`, line 7",
        ),
        (
            forged(|text| text.replacen("\"protected\"", "\"guarded\": 1, \"protected\"", 1)),
            "unknown field `guarded`",
        ),
        (
            forged(|text| text.replacen("\"kind\": \"cluster\"", "\"kind\": \"planet\"", 1)),
            "unknown kind `planet`",
        ),
        (forged(|text| text.replacen("\"size\"", "\"sighs\"", 1)), "unknown attribute `sighs`"),
        (
            forged(|text| text.replacen("\"serial\": 3", "\"serial\": -3", 1)),
            "a value of another form, line 6",
        ),
        (
            forged(|text| text.replacen("\"serial\"", "\"serial\": 3,\n  \"serial\"", 1)),
            "a value of another form",
        ),
        (
            forged(|text| text.replacen("\"serial\": 3", "\"serial\": 18446744073709551615", 1)),
            "its serial, 18446744073709551615, cannot grow",
        ),
        (
            forged(|text| text.replacen("\"serial\": 3", "\"serial\": 18446744073709551616", 1)),
            "a value of another form, line 6",
        ),
        (forged(|text| text.replacen("6f1c9a52-0c1e-4c8f-9d59-3f6a3f2f0001", "", 1)), "it has no lineage"),
        (
            forged(|text| text.replacen("\"size\"", "\"max_instances\": 4, \"size\"", 1)),
            "twice: max_instances",
        ),
        (forged(double), "twice: cluster/research/cpu-0"),
        (forged(|text| text.replacen("computes/cpu-1", "computes/CPU-0", 1)), "have the same id"),
        (forged(|text| text.replacen("/computes/cpu-1", "", 1)), "is not that of a cluster"),
        (
            forged(|text| text.replacen("/computes/cpu-1", "/computes/cpu-1?forceToPurge=true", 1)),
            "is no ARM id",
        ),
        (forged(|text| text.replacen("/computes/cpu-1", "/computes/../cpu", 1)), "is no ARM id"),
    ] {
        let message = refusal(&bytes).to_string();
        assert!(message.contains(words), "{words}: {message}");
        assert!(!message.contains("column") && !message.contains("expected"), "{message}");
    }
}

#[test]
fn what_is_odd_and_harmless_is_taken_as_it_is() {
    // The format says what a file means, not who wrote it.
    let newer = forged(|text| text.replacen("\"tool\": \"plumb 0.1.0\"", "\"tool\": \"plumb 9.9.9\"", 1));
    assert_eq!(decode(&newer), Ok(snapshot(3, 2)));
    // Edges order deletes; one that leads nowhere orders nothing.
    let dangling = forged(|text| text.replacen("\"workspace/research\"", "\"workspace/gone\"", 1));
    decode(&dangling).expect("a good file");
}
