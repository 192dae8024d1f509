//! Tar archives, and those of `ar`, of which packages are made: members, owners, links, headers beyond the first.

use std::collections::BTreeSet;

use super::Unpacker;

impl Unpacker<'_> {
    pub(super) fn tar(&mut self, path: &str, bytes: &[u8], depth: usize) {
        // Who owned the files stands in every header by name, and links name what they lead to. Names that are no UTF-8
        // are searched in every character set.
        let mut named = BTreeSet::new();
        let mut archive = tar::Archive::new(bytes);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(_) => {
                self.refuse(path, "damaged tar: only its plain strings were searched", true);
                self.leaf(path, bytes, depth > 0);
                return;
            }
        };
        for (i, entry) in entries.enumerate() {
            self.members += 1;
            if self.members > self.limits.members {
                self.refuse(path, format!("more than {} members", self.limits.members), true);
                break;
            }
            let Ok(mut entry) = entry else {
                // Without a header nobody knows where the next member begins.
                self.refuse(&format!("{path}!member {i}"), "damaged member: what follows was not read", false);
                self.leaf(path, bytes, depth > 0);
                break;
            };
            let member = format!("{path}!{}", String::from_utf8_lossy(&entry.path_bytes()));
            if std::str::from_utf8(&entry.path_bytes()).is_err() {
                named.insert(entry.path_bytes().into_owned());
            }
            let header = entry.header();
            for name in [header.username_bytes(), header.groupname_bytes()].into_iter().flatten() {
                named.insert(name.to_vec());
            }
            named.extend(entry.link_name_bytes().map(|l| l.into_owned()));
            let mut damaged = false;
            match entry.pax_extensions() {
                Ok(extensions) => {
                    for extension in extensions.into_iter().flatten() {
                        match extension {
                            Ok(e) => drop(named.insert([e.key_bytes(), b"=", e.value_bytes()].concat())),
                            Err(_) => damaged = true,
                        }
                    }
                }
                Err(_) => damaged = true,
            }
            if damaged {
                self.refuse(&member, "damaged header of a tar member", true);
            }
            let size = entry.size();
            // Whatever kind it calls itself (sparse, contiguous, unknown): what has bytes is read.
            if size == 0 && !entry.header().entry_type().is_file() {
                self.leaf(&member, b"", true);
                continue;
            }
            let refused = self.unread.len();
            if let Some(content) = self.unpack(&member, size, &mut entry) {
                if (content.len() as u64) < size && self.unread.len() == refused {
                    self.refuse(&member, format!("damaged after {} bytes", content.len()), !content.is_empty());
                }
                self.open(&member, &content, depth + 1);
            }
        }
        named.remove(&b""[..]);
        let named: Vec<u8> = named.into_iter().collect::<Vec<_>>().join(&b'\n');
        if !named.is_empty() {
            self.leaf(&format!("{path}!(owners, links)"), &named, true);
        }
    }

    /// The archive of `ar`: headers of sixty bytes, names of sixteen, longer ones in a table of their own (GNU) or in front of
    /// the content (BSD).
    pub(super) fn ar(&mut self, path: &str, bytes: &[u8], depth: usize) {
        let mut at = 8;
        let mut table: &[u8] = b"";
        while at < bytes.len() {
            self.members += 1;
            if self.members > self.limits.members {
                self.refuse(path, format!("more than {} members", self.limits.members), true);
                return;
            }
            let text = |range| std::str::from_utf8(bytes.get(range)?).ok().map(str::trim_end);
            let (Some(name), Some(size)) =
                (text(at..at + 16), text(at + 48..at + 58).and_then(|n| n.parse::<usize>().ok()))
            else {
                self.refuse(path, "damaged member: what follows was not read", true);
                self.raw(path, &bytes[at..], depth);
                return;
            };
            let from = at + 60;
            let to = from.saturating_add(size).min(bytes.len());
            let mut content = bytes.get(from..to).unwrap_or_default();
            let long = |at: &str| {
                let rest = table.get(at.parse::<usize>().ok()?..)?;
                rest.split(|b| matches!(b, b'/' | b'\n')).next().map(|n| String::from_utf8_lossy(n).into_owned())
            };
            let front = name.strip_prefix("#1/").and_then(|n| n.parse::<usize>().ok()).filter(|n| *n <= content.len());
            let name = if let Some(len) = front {
                let name = String::from_utf8_lossy(&content[..len]).trim_end_matches('\0').to_owned();
                content = &content[len..];
                name
            } else {
                name.strip_prefix('/').and_then(long).unwrap_or_else(|| name.trim_end_matches('/').to_owned())
            };
            let member = format!("{path}!{name}");
            if to - from.min(to) < size {
                self.refuse(&member, format!("damaged after {} bytes", content.len()), !content.is_empty());
            }
            if text(at..at + 16) == Some("//") {
                table = content;
            }
            self.total += content.len() as u64;
            self.open(&member, content, depth + 1);
            at = to + to % 2;
        }
    }
}
