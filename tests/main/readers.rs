//! Documents that kill their reader: a process dies, the scan does not, and the file is named.

use std::{io::Write, path::Path, process::Command};

use serde_json::Value;

/// A folder with a configuration that knows nothing but a home folder with another tool's files.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("home/tool")).unwrap();
    let config = "[home]\npath = \"home\"\n\n[[foreign]]\nname = \"tool\"\npath = \"tool\"\n";
    std::fs::write(dir.path().join("efface.toml"), config).unwrap();
    dir
}

/// The exit code of a scan for one invented person, and its report.
fn scan(dir: &Path) -> (i32, Value) {
    let out = Command::new(env!("CARGO_BIN_EXE_efface"))
        .env_clear()
        .current_dir(dir)
        .args([
            "scan",
            "--area",
            "foreign",
            "--email",
            "zoe.x@corp.example",
            "--name",
            "Zoë Xander",
            "--format",
            "json",
        ])
        .args(["--reveal"])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    let report = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {err}"));
    (out.status.code().unwrap_or(-1), report)
}

/// A mail that forwards a mail that forwards a mail…; its reader gives it back by recursion.
fn nested_mail(levels: usize) -> Vec<u8> {
    let mut mail = b"From: zoe.x@corp.example\nSubject: fwd\nMIME-Version: 1.0\n".to_vec();
    for _ in 0..levels {
        mail.extend(b"Content-Type: message/rfc822\n\n");
    }
    mail.extend(b"Subject: end\n\nbody\n");
    mail
}

/// A PDF of some hundred KB whose page shows more numbers than memory holds as what they are read into.
fn swollen_pdf() -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&b"0 ".repeat(60 << 19)).unwrap();
    let packed = packed.finish().unwrap();
    let mut pdf = b"%PDF-1.4\n%\xe2\xe3 zoe.x@corp.example\n".to_vec();
    let mut places = Vec::new();
    let mut object = |pdf: &mut Vec<u8>, content: &[u8]| {
        places.push(pdf.len());
        pdf.extend(format!("{} 0 obj\n", places.len()).bytes());
        pdf.extend(content);
        pdf.extend(b"\nendobj\n");
    };
    object(&mut pdf, b"<< /Type /Catalog /Pages 2 0 R >>");
    object(&mut pdf, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    object(&mut pdf, b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << >> >>");
    let head = format!("<< /Length {} /Filter /FlateDecode >>\nstream\n", packed.len());
    object(&mut pdf, &[head.as_bytes(), &packed, b"\nendstream"].concat());
    let table = pdf.len();
    pdf.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
    for place in &places {
        pdf.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = places.len() + 1;
    pdf.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").bytes());
    pdf
}

#[test]
fn a_document_takes_down_its_reader_and_not_the_scan() {
    let dir = folder();
    let tool = dir.path().join("home/tool");
    std::fs::write(tool.join("1-nested.eml"), nested_mail(400_000)).unwrap();
    std::fs::write(tool.join("2-swollen.pdf"), swollen_pdf()).unwrap();
    std::fs::write(tool.join("3-plain.eml"), "From: =?UTF-8?Q?Zo=C3=AB?= Xander <z@x.example>\nSubject: hello\n\nx\n")
        .unwrap();
    let (code, report) = scan(dir.path());
    assert_eq!(code, 3, "{report:#}");
    let line = &report["coverage"][0];
    assert_eq!(line["status"], "partial", "{report:#}");
    assert_eq!(line["records"], 3, "the scan went on: {report:#}");
    let reason = line["reason"].as_str().unwrap();
    for why in ["the reader of this file crashed", "the reader of this file ran out of memory"] {
        assert!(reason.contains(&format!("1 × {why}")), "{why}: {reason}");
    }
    let paths: Vec<&str> =
        report["findings"].as_array().unwrap().iter().filter_map(|f| f["record"]["path"].as_str()).collect();
    for path in ["1-nested.eml", "2-swollen.pdf", "3-plain.eml!(headers)"] {
        assert!(paths.contains(&path), "{path} is missing: {paths:?}");
    }
}
