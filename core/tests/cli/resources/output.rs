//! Nobody reads what is said, or it has no place to go to.

use crate::sandbox::{MOCK, Sandbox};

#[test]
fn the_exit_code_tells_where_nothing_else_can() {
    let sandbox = Sandbox::with_config(MOCK);
    for closed in ["exec 2>&-", "exec 1>&- 2>&-", "exec 0<&- 1>&- 2>&-", "exec 2>/dev/full"] {
        let run = |words| sandbox.caproni(words).after(closed).run().code();
        assert_eq!(run("status"), 3, "{closed}");
        assert_eq!(run("-v start"), 0, "{closed}");
        assert_eq!(run("status"), 0, "{closed}");
        assert_eq!(run("--driver nobody status"), 10, "{closed}");
        assert_eq!(run("--nonsense"), 2, "{closed}");
        assert_eq!(run("destroy"), 0, "{closed}");
        assert_eq!(sandbox.mock_cluster(), None, "{closed}");
    }
}

#[test]
fn a_pipe_that_closes_at_once_changes_neither_exit_code_nor_work() {
    let sandbox = Sandbox::with_config(MOCK);
    for words in ["status", "list", "drivers list", "drivers schema", "--help", "version"] {
        let usual = sandbox.run(words).code();
        let unread = sandbox.caproni(words).run_unread();
        assert_eq!((unread.code(), unread.stderr.as_str()), (usual, ""), "{words}");
    }
    assert_eq!(sandbox.caproni("start").run_unread().code(), 0);
    assert!(sandbox.mock_cluster().unwrap().contains("running"));
}
