//! The structures lie as the kernel's headers say: the C compiler is asked for every size and offset.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test that asks the C compiler"
)]

use ox_wire::xtables::{Layout, Place, layouts};
use std::fmt::Write as _;
use std::process::Command;

/// A program that prints what C knows of the layouts, one number a line in the order of [`ours`].
fn program(layouts: &[Layout]) -> String {
    let mut c = String::from("#include <stdio.h>\n#include <stddef.h>\n#include <sys/socket.h>\n#include <net/if.h>\n");
    let mut headers: Vec<&str> = layouts.iter().map(|l| l.header).collect();
    headers.sort_unstable();
    headers.dedup();
    for header in headers {
        // The matches ttl and hl and their targets guard different headers by the same name.
        _ = writeln!(c, "#undef _IPT_TTL_H\n#undef _IP6T_HL_H\n#include <{header}>");
    }
    c += "#define FIELD(t, f) sizeof(((t *)0)->f)\n#define P(n) printf(\"%zu\\n\", (size_t)(n))\nint main(void) {\n";
    for Layout { c: name, fields, .. } in layouts {
        _ = writeln!(c, "P(sizeof({name}));");
        for path in fields.iter().map(|f| f.path).filter(|p| !p.starts_with('_')) {
            let (first, last) = path.split_once("..").unwrap_or((path, path));
            _ = writeln!(c, "P(offsetof({name}, {first}));");
            _ = writeln!(c, "P(offsetof({name}, {last}) + FIELD({name}, {last}) - offsetof({name}, {first}));");
        }
    }
    c + "return 0; }\n"
}

/// What each number is of, and what we believe.
fn ours(layouts: &[Layout]) -> Vec<(String, usize)> {
    let mut all = Vec::new();
    for Layout { c, size, fields, .. } in layouts {
        all.push((format!("size of {c}"), *size));
        for place in fields.iter().filter(|f| !f.path.starts_with('_')) {
            all.push((format!("offset of {c}.{}", place.path), place.offset));
            all.push((format!("size of {c}.{}", place.path), place.size));
        }
    }
    all
}

/// What C answers; `None` where there is no compiler or there are no headers.
fn answers(source: &str) -> Option<Vec<usize>> {
    let dir = std::env::temp_dir().join(format!("ox-headers-{}-{}", std::process::id(), source.len()));
    std::fs::create_dir_all(&dir).unwrap();
    let (file, binary) = (dir.join("layout.c"), dir.join("layout"));
    std::fs::write(&file, source).unwrap();
    let compiled = Command::new("cc").arg("-o").arg(&binary).arg(&file).output();
    let found = match compiled {
        Ok(out) if out.status.success() => {
            let out = Command::new(&binary).output().unwrap();
            Some(String::from_utf8(out.stdout).unwrap().lines().map(|l| l.parse().unwrap()).collect())
        }
        Ok(out) => panic!("the C compiler does not take our names:\n{}", String::from_utf8_lossy(&out.stderr)),
        Err(why) => {
            eprintln!("skipped: the layouts are not compared with the kernel's headers, cc does not run: {why}");
            None
        }
    };
    std::fs::remove_dir_all(&dir).unwrap();
    found
}

#[test]
fn layouts_are_the_headers() {
    let layouts: Vec<Layout> = layouts().into_iter().filter(|l| !l.header.is_empty()).collect();
    let Some(theirs) = answers(&program(&layouts)) else { return };
    let ours = ours(&layouts);
    assert_eq!(ours.len(), theirs.len());
    let wrong: Vec<String> = ours
        .iter()
        .zip(&theirs)
        .filter(|((_, ours), theirs)| ours != *theirs)
        .map(|((what, ours), theirs)| format!("{what}: {ours}, in C {theirs}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What C says is compared, not repeated.
#[test]
fn a_wrong_layout_is_seen() {
    let fields = &[Place { path: "dpts", offset: 5, size: 4 }];
    let wrong = [Layout { header: "linux/netfilter/xt_tcpudp.h", c: "struct xt_udp", size: 9, fields }];
    let Some(theirs) = answers(&program(&wrong)) else { return };
    assert_eq!(theirs, [10, 4, 4]);
}
