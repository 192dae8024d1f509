//! Signers and signatures, held against `ssh-keygen` itself.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::*;

const MESSAGE: &[u8] = b"{\"schema\":\"efface.approval/1\",\"plan\":\"1\"}\n";

struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A new key; gives its public half, without a comment.
    fn key(&self, name: &str, kind: &[&str]) -> String {
        let file = self.path(name);
        let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-C", ""]).args(kind).arg("-f").arg(&file).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::read_to_string(file.with_extension("pub")).unwrap().trim().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn sign(&self, key: &str, namespace: &str, message: &[u8]) -> String {
        let file = self.path("message");
        std::fs::write(&file, message).unwrap();
        let signature = self.path("message.sig");
        drop(std::fs::remove_file(&signature));
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(self.path(key)).arg(&file);
        let done = command.stderr(Stdio::null()).status().unwrap();
        assert!(done.success());
        std::fs::read_to_string(signature).unwrap()
    }
}

/// What `ssh-keygen -Y verify` says.
fn openssh(folder: &Path, signers: &str, name: &str, message: &[u8], signature: &str, at: &str) -> bool {
    std::fs::write(folder.join("s"), signers).unwrap();
    std::fs::write(folder.join("sig"), signature).unwrap();
    std::fs::write(folder.join("m"), message).unwrap();
    let at = format!("verify-time={at}");
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-O", &at, "-n", NAMESPACE, "-I", name, "-f"]).arg(folder.join("s"));
    command.arg("-s").arg(folder.join("sig")).stdin(std::fs::File::open(folder.join("m")).unwrap());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

fn day(text: &str) -> DateTime<Utc> {
    time(text).unwrap()
}

fn parse(text: &str) -> Result<Signers, SignersError> {
    Signers::parse(text.as_bytes())
}

#[test]
fn every_known_kind_of_key_signs_and_the_rest_is_named() {
    let desk = Desk::new();
    for (i, kind) in
        [&["-t", "ed25519"][..], &["-t", "ecdsa", "-b", "256"], &["-t", "ecdsa", "-b", "384"]].iter().enumerate()
    {
        let key = desk.key(&format!("k{i}"), kind);
        let signers = format!("dpo@corp.example namespaces=\"{NAMESPACE}\" {key} the DPO\n");
        let signature = desk.sign(&format!("k{i}"), NAMESPACE, MESSAGE);
        let signer = parse(&signers).unwrap().verify(MESSAGE, &signature, day("20261122Z"), None).unwrap();
        assert_eq!(signer.principal, "dpo@corp.example");
        assert_eq!(signer.public_key, key, "{kind:?}");
        assert_eq!(signer.signature, signature);
        // What is kept is what OpenSSH takes.
        assert!(openssh(desk.dir.path(), &signers, &signer.principal, MESSAGE, &signer.signature, "20261122Z"));
    }
    let key = desk.key("rsa", &["-t", "rsa", "-b", "2048"]);
    let signature = desk.sign("rsa", NAMESPACE, MESSAGE);
    let signers = parse(&format!("dpo {key}\n")).unwrap();
    let why = signers.verify(MESSAGE, &signature, day("20261122Z"), None).unwrap_err();
    assert_eq!(why, SignatureError::Kind("ssh-rsa".into()));
    assert!(why.to_string().contains("ssh-ed25519"), "{why}");
}

#[test]
fn what_is_refused() {
    let desk = Desk::new();
    let (key, other) = (desk.key("k", &["-t", "ed25519"]), desk.key("other", &["-t", "ed25519"]));
    let signature = desk.sign("k", NAMESPACE, MESSAGE);
    let now = "20261122120000Z";
    use SignatureError as E;
    let fingerprint = PublicKey::from_openssh(&key).unwrap().fingerprint(HashAlg::Sha256).to_string();
    let name = |line: &str, claimed: Option<&str>| {
        let got = parse(line).unwrap().verify(MESSAGE, &signature, day(now), claimed).map(|s| s.principal);
        if claimed.is_some() || got.is_ok() {
            let who = claimed.or(got.as_deref().ok()).unwrap();
            assert_eq!(openssh(desk.dir.path(), line, who, MESSAGE, &signature, now), got.is_ok(), "{line}");
        }
        got
    };
    let dpo = Ok("dpo".to_owned());
    for (options, want) in [
        ("", dpo.clone()),
        ("valid-before=\"20261123Z\"", dpo.clone()),
        ("valid-before=\"20261122120000Z\"", dpo.clone()),
        ("valid-before=\"20261122115959Z\"", Err(E::OutOfTime(fingerprint.clone()))),
        ("valid-after=\"202611221201Z\"", Err(E::OutOfTime(fingerprint.clone()))),
        ("VALID-AFTER=\"20261122Z\",valid-before=\"20270101Z\"", dpo.clone()),
        ("namespaces=\"file,approval@*\"", dpo.clone()),
        ("namespaces=\"*,!approval@*\"", Err(E::Stranger(fingerprint.clone()))),
        ("namespaces=\"file\"", Err(E::Stranger(fingerprint.clone()))),
    ] {
        assert_eq!(name(&format!("dpo {options} {key}\n"), None), want, "{options}");
        // OpenSSH says the same.
        let line = format!("# signers\n\ndpo {options} {key}\n");
        assert_eq!(openssh(desk.dir.path(), &line, "dpo", MESSAGE, &signature, now), want.is_ok(), "{options}");
    }
    assert_eq!(name(&format!("dpo {other}\n"), None), Err(E::Stranger(fingerprint.clone())));
    let several = format!("*@corp.example,!bot@corp.example,boss {key}\n");
    assert_eq!(name(&several, None), Err(E::Ambiguous(fingerprint.clone())));
    for (claimed, ok) in
        [("zed@corp.example", true), ("bot@corp.example", false), ("boss", true), ("bos", false), ("bosss", false)]
    {
        assert_eq!(name(&several, Some(claimed)).is_ok(), ok, "{claimed}");
    }
    assert_eq!(name(&format!("\"d p o\" {key}\n"), None), Ok("d p o".into()));
    assert_eq!(name(&format!("a {key}\nb {key}\n"), None), Err(E::Ambiguous(fingerprint.clone())));
    assert_eq!(name(&format!("dpo {key}\n"), Some("admin")), Err(E::Other { fingerprint, claimed: "admin".into() }));
    let signers = parse(&format!("dpo {key}\n")).unwrap();
    let check = |message: &[u8], signature: &str| signers.verify(message, signature, day(now), None).map(|_| ());
    assert_eq!(check(b"another", &signature), Err(E::Mismatch));
    assert_eq!(check(MESSAGE, &desk.sign("k", "file", MESSAGE)), Err(E::Namespace));
    assert_eq!(check(MESSAGE, "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"), Err(E::Form));
    assert_eq!(check(MESSAGE, &signature.replace('\n', "\r\n")), Ok(()), "a mail program's line ends");
}

#[test]
fn one_flipped_bit_anywhere_is_found() {
    let desk = Desk::new();
    for kind in [&["-t", "ed25519"][..], &["-t", "ecdsa", "-b", "384"]] {
        drop(std::fs::remove_file(desk.path("k")));
        let key = desk.key("k", kind);
        let signature = desk.sign("k", NAMESPACE, MESSAGE);
        let signers = parse(&format!("dpo {key}\n")).unwrap();
        let counts = |message: &[u8], signature: &[u8]| {
            let Ok(signature) = std::str::from_utf8(signature) else { return false };
            signers.verify(message, signature, day("20261122Z"), None).is_ok()
        };
        assert!(counts(MESSAGE, signature.as_bytes()));
        let flips = |bytes: &[u8]| (0..bytes.len() * 8).collect::<Vec<_>>();
        for bit in flips(MESSAGE) {
            let mut bytes = MESSAGE.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!counts(&bytes, signature.as_bytes()), "bit {bit} of the message");
        }
        for bit in flips(signature.as_bytes()) {
            let mut bytes = signature.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!counts(MESSAGE, &bytes), "bit {bit} of the signature");
        }
        // The version stands outside of what is signed.
        let raw = base64_of(&signature);
        for version in [0u8, 2] {
            let mut raw = raw.clone();
            raw[9] = version;
            assert!(!counts(MESSAGE, armour(&raw).as_bytes()), "version {version}");
        }
        assert!(counts(MESSAGE, armour(&raw).as_bytes()), "the armour of the test is right");
    }
}

fn base64_of(armoured: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = armoured.lines().filter(|l| !l.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

fn armour(raw: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(raw);
    let lines: Vec<&str> = body.as_bytes().chunks(70).map(|c| std::str::from_utf8(c).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
}

#[test]
fn a_security_key_has_to_be_touched() {
    // A software stand-in for a security key: what it signs is as PROTOCOL.u2f says.
    use ssh_key::{
        PrivateKey, Signature,
        private::Ed25519Keypair,
        public::{Ed25519PublicKey, SkEd25519},
    };
    let pair = Ed25519Keypair::from_seed(&[7; 32]);
    let key = KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(pair.public.0), "ssh:"));
    let line = format!("dpo {}\n", PublicKey::new(key.clone(), "").to_openssh().unwrap());
    let signers = parse(&line).unwrap();
    for (flags, want) in [(1u8, Ok("dpo".to_owned())), (5, Ok("dpo".to_owned())), (0, Err(SignatureError::Untouched))] {
        let message = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, MESSAGE).unwrap();
        let mut signed = Sha256::digest("ssh:").to_vec();
        signed.push(flags);
        signed.extend(7u32.to_be_bytes());
        signed.extend(Sha256::digest(&message));
        let raw: Signature = signature_of(&PrivateKey::from(pair.clone()), &signed);
        let mut bytes = raw.as_bytes().to_vec();
        bytes.push(flags);
        bytes.extend(7u32.to_be_bytes());
        let sig = Signature::new(Algorithm::SkEd25519, bytes).unwrap();
        let armoured =
            SshSig::new(key.clone(), NAMESPACE, HashAlg::Sha512, sig).unwrap().to_pem(LineEnding::LF).unwrap();
        let got = signers.verify(MESSAGE, &armoured, day("20261122Z"), None).map(|s| s.principal);
        assert_eq!(got, want, "flags {flags}");
        if want.is_ok() {
            let dir = tempfile::tempdir().unwrap();
            assert!(openssh(dir.path(), &line, "dpo", MESSAGE, &armoured, "20261122Z"), "OpenSSH takes the stand-in");
        }
    }
}

/// Signs raw bytes; a namespace is the only way in for the library's own signer.
fn signature_of(key: &ssh_key::PrivateKey, bytes: &[u8]) -> ssh_key::Signature {
    fn sign<K: ssh_key::SigningKey>(key: &K, bytes: &[u8]) -> ssh_key::Signature {
        key.try_sign(bytes).unwrap()
    }
    sign(key, bytes)
}

#[test]
fn a_line_that_is_not_understood_refuses_the_file() {
    let desk = Desk::new();
    let key = desk.key("k", &["-t", "ed25519"]);
    for (line, want) in [
        (format!("dpo cert-authority {key}"), "cert-authority"),
        (format!("dpo namespaces=approval@efface {key}"), "double quotes"),
        (format!("dpo namespaces=\"a\",namespaces=\"b\" {key}"), "twice"),
        (format!("dpo valid-before=\"20270101\" {key}"), "Z"),
        (format!("dpo valid-before=\"2027-01-01Z\" {key}"), "YYYYMMDD"),
        (format!("dpo valid-before=\"20271301Z\" {key}"), "YYYYMMDD"),
        (format!("dpo valid-after=\"20270101Z\",valid-before=\"20260101Z\" {key}"), "never valid"),
        (format!("dpo permit-everything {key}"), "no option is called that"),
        (format!("\"dpo {key}"), "not closed"),
        ("dpo".to_owned(), "key is missing"),
        ("dpo ssh-ed25519 AAAA".to_owned(), "begins no key"),
        (key.clone(), "public key"),
    ] {
        let error = parse(&format!("# a comment\n{line}\n")).expect_err(&line);
        assert_eq!(error.line, 2, "{line}");
        assert!(error.to_string().contains(want), "{line}: {error}");
    }
    assert!(Signers::parse(b"a\n\xff").is_err());
    let lines = [
        format!("a {key}\nb namespaces=\"file\" {key}\nc valid-before=\"20260101Z\" {key}\n"),
        format!("d valid-after=\"20270101Z\" {key}\n"),
    ];
    let counted = parse(&lines.concat()).unwrap();
    assert_eq!((counted.count(day("20261122Z")), counted.count(day("20270102Z"))), (1, 2));
    let signers = parse(&format!("  dpo {key} any \"comment\n\n#x\n")).unwrap();
    assert!(signers.is_of(&key, "dpo") && !signers.is_of(&key, "admin"));
    assert_ne!(signers.sha256(), parse(&format!("dpo {key}\n")).unwrap().sha256());
}

#[test]
fn patterns() {
    for (text, list, want) in [
        ("a@x.example", "*@x.example", true),
        ("a@x.example", "?@x.example", true),
        ("ab@x.example", "?@x.example", false),
        ("a@x.example", "*,!a@*", false),
        ("a@x.example", "!b@*,a@*", true),
        ("a@x.example", "!b@*", false),
        ("", "*", true),
        ("abcabc", "*abc", true),
        ("abcab", "*abc", false),
        ("a", "", false),
        ("A", "a", false),
    ] {
        assert_eq!(in_list(text, list), want, "{text} in {list}");
    }
    let slow = "a".repeat(5000);
    assert!(!in_list(&slow, &format!("{}b", "*a".repeat(40))));
}

/// Patterns by their definition, for short texts.
fn plainly(text: &[u8], pattern: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|n| plainly(&text[n..], rest)),
        Some((c, rest)) => text.split_first().is_some_and(|(t, left)| (*c == b'?' || c == t) && plainly(left, rest)),
    }
}

proptest::proptest! {
    #[test]
    fn patterns_are_what_their_definition_says(text in "[ab]{0,8}", pattern in "[ab*?]{0,8}") {
        proptest::prop_assert_eq!(
            matches(text.as_bytes(), pattern.as_bytes()),
            plainly(text.as_bytes(), pattern.as_bytes())
        );
    }

    #[test]
    fn no_file_of_signers_and_no_signature_breaks_the_reader(
        file in "([a-zé*!,@\"= \t\\\\#]|ssh-ed25519|valid-after|namespaces|2027|AAAA|\n){0,40}",
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        drop(Signers::parse(&bytes));
        if let Ok(signers) = parse(&file) {
            let got = signers.verify(MESSAGE, &String::from_utf8_lossy(&bytes), day("20261122Z"), None);
            proptest::prop_assert!(got.is_err());
        }
    }
}
