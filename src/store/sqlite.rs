//! Grafana's database, looked at by SQLite itself: the copy of a database is settled into one plain file,
//! checked and counted. No tool on the host or in an image is needed.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::backup::{Counts, Layout};
use crate::model::Hint;

/// How many complaints of `integrity_check` are kept.
const COMPLAINTS: usize = 3;

/// What SQLite says about a database that is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseReport {
    pub counts: Counts,
    pub layout: Layout,
    /// Migrations that Grafana has applied, and the newest of them.
    pub migrations: u64,
    pub newest_migration: Option<String>,
    /// Rows that refer to a row that is not there. Grafana works with them; they are worth a note.
    pub dangling_references: u64,
}

/// A file that is no database, or one that is not whole.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The words of `integrity_check`.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("the database cannot be read")]
    Unreadable(#[source] rusqlite::Error),
    /// It is a database, but not one of Grafana.
    #[error("the database is not Grafana's: it has no table `{0}`")]
    Foreign(&'static str),
}

impl Hint for DatabaseError {
    fn hint(&self) -> Option<String> {
        let damaged = match self {
            Self::Damaged(_) => true,
            Self::Unreadable(rusqlite::Error::SqliteFailure(error, _)) => {
                matches!(error.code, rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            }
            _ => false,
        };
        damaged.then(|| {
            "such a file often comes from copying it while Grafana was writing; another copy may be whole. What is left can be read with `sqlite3 grafana.db '.clone rescued.db'`".to_owned()
        })
    }
}

/// Settles a copy of a database in place, checks it as a whole and counts what it holds.
///
/// # Errors
/// [`DatabaseError::Damaged`] when a check fails.
pub fn settle(database: &Path) -> Result<DatabaseReport, DatabaseError> {
    fold(database)?;
    inspect(database)
}

/// Makes one plain file in rollback mode of a copy: a hot `-journal` beside it is rolled back, a `-wal` folded
/// in. Whether the file is whole then is for [`inspect`] to say.
///
/// # Errors
/// When it is no database, or its log cannot be folded in.
pub fn fold(database: &Path) -> Result<(), DatabaseError> {
    let connection = open(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // It is a copy, which nobody needs after a power cut; else all of it would have to reach the disk first.
    let unsynced = connection.execute_batch("PRAGMA synchronous = OFF");
    unsynced.map_err(|error| in_sqlites_words(DatabaseError::Unreadable(error)))?;
    // Reading anything rolls a hot journal back and recovers the log; leaving its mode folds the log in and
    // removes it together with its index.
    rows(&connection, "SELECT name FROM sqlite_master LIMIT 1").map_err(in_sqlites_words)?;
    let mode = rows(&connection, "PRAGMA journal_mode = DELETE").map_err(in_sqlites_words)?;
    if mode != ["delete"] {
        let mode = mode.concat();
        return Err(DatabaseError::Damaged(format!("its log cannot be folded in (journal mode `{mode}`)")));
    }
    connection.close().map_err(|(_, error)| DatabaseError::Unreadable(error))
}

/// Checks and counts a plain database file without changing it.
///
/// # Errors
/// The same as [`settle`].
pub fn inspect(database: &Path) -> Result<DatabaseReport, DatabaseError> {
    let connection = open(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    check_integrity(&connection)?;
    count(&connection)
}

fn open(database: &Path, flags: OpenFlags) -> Result<Connection, DatabaseError> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags).map_err(DatabaseError::Unreadable)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(DatabaseError::Unreadable)?;
    Ok(connection)
}

fn check_integrity(connection: &Connection) -> Result<(), DatabaseError> {
    let sql = format!("PRAGMA integrity_check({COMPLAINTS})");
    let complaints = rows(connection, &sql).map_err(in_sqlites_words)?;
    if complaints == ["ok"] {
        return Ok(());
    }
    let words: Vec<String> = complaints.iter().map(|text| text.replace('\n', " ")).collect();
    Err(DatabaseError::Damaged(words.join("; ")))
}

/// A file that SQLite calls corrupt, or no database, is a damaged one.
fn in_sqlites_words(error: DatabaseError) -> DatabaseError {
    match error {
        DatabaseError::Unreadable(rusqlite::Error::SqliteFailure(code, Some(words)))
            if matches!(
                code.code,
                rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase
            ) =>
        {
            DatabaseError::Damaged(words)
        }
        other => other,
    }
}

fn rows(connection: &Connection, sql: &str) -> Result<Vec<String>, DatabaseError> {
    let mut statement = connection.prepare(sql).map_err(DatabaseError::Unreadable)?;
    let found = statement.query_map([], |row| row.get(0)).map_err(DatabaseError::Unreadable)?;
    found.collect::<Result<_, _>>().map_err(DatabaseError::Unreadable)
}

fn number(connection: &Connection, sql: &str) -> Result<u64, DatabaseError> {
    let found: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(DatabaseError::Unreadable)?;
    Ok(u64::try_from(found).unwrap_or(0))
}

fn has_table(connection: &Connection, name: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
    let found: i64 =
        connection.query_row(sql, [name], |row| row.get(0)).map_err(DatabaseError::Unreadable)?;
    Ok(found > 0)
}

fn has_column(connection: &Connection, table: &str, column: &str) -> Result<bool, DatabaseError> {
    let sql = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";
    let found: i64 =
        connection.query_row(sql, [table, column], |row| row.get(0)).map_err(DatabaseError::Unreadable)?;
    Ok(found > 0)
}

fn count(connection: &Connection) -> Result<DatabaseReport, DatabaseError> {
    for table in ["user", "data_source", "migration_log"] {
        if !has_table(connection, table)? {
            return Err(DatabaseError::Foreign(table));
        }
    }
    let layout = layout(connection)?;
    let (folders, dashboards, own_dashboards) = match layout {
        Layout::Dashboard => dashboard_tables(connection)?,
        Layout::Resource => resource_table(connection)?,
    };
    let people = if has_column(connection, "user", "is_service_account")? {
        "SELECT count(*) FROM \"user\" WHERE coalesce(is_service_account, 0) = 0"
    } else {
        "SELECT count(*) FROM \"user\""
    };
    let newest = "SELECT migration_id FROM migration_log ORDER BY id DESC LIMIT 1";
    Ok(DatabaseReport {
        counts: Counts {
            users: number(connection, people)?,
            datasources: number(connection, "SELECT count(*) FROM data_source")?,
            folders,
            dashboards,
            own_dashboards,
        },
        layout,
        migrations: number(connection, "SELECT count(*) FROM migration_log")?,
        newest_migration: rows(connection, newest)?.into_iter().next(),
        dangling_references: number(connection, "SELECT count(*) FROM pragma_foreign_key_check")?,
    })
}

/// The first start of version 13 moves dashboards and folders into `resource` and records it; a version
/// before that may have the table without using it.
fn layout(connection: &Connection) -> Result<Layout, DatabaseError> {
    if !has_table(connection, "resource")? {
        return Ok(Layout::Dashboard);
    }
    let moved = has_table(connection, "unifiedstorage_migration_log")?
        && number(connection, "SELECT count(*) FROM unifiedstorage_migration_log")? > 0;
    let used =
        "SELECT count(*) FROM resource WHERE \"group\" IN ('dashboard.grafana.app', 'folder.grafana.app')";
    let old = has_table(connection, "dashboard")?;
    Ok(if moved || !old || number(connection, used)? > 0 { Layout::Resource } else { Layout::Dashboard })
}

/// Folders, dashboards, and dashboards that no file provisions.
fn dashboard_tables(connection: &Connection) -> Result<(u64, u64, u64), DatabaseError> {
    if !has_table(connection, "dashboard")? {
        return Ok((0, 0, 0));
    }
    let folders = number(connection, "SELECT count(*) FROM dashboard WHERE is_folder = 1")?;
    let dashboards = number(connection, "SELECT count(*) FROM dashboard WHERE is_folder = 0")?;
    let own = if has_table(connection, "dashboard_provisioning")? {
        let sql = "SELECT count(*) FROM dashboard WHERE is_folder = 0 AND id NOT IN (SELECT dashboard_id FROM dashboard_provisioning)";
        number(connection, sql)?
    } else {
        dashboards
    };
    Ok((folders, dashboards, own))
}

/// The same in unified storage, where an object says in its annotations who manages it.
fn resource_table(connection: &Connection) -> Result<(u64, u64, u64), DatabaseError> {
    let of = |group: &str| format!("SELECT count(*) FROM resource WHERE \"group\" = '{group}.grafana.app'");
    let folders = number(connection, &of("folder"))?;
    let dashboards = format!("{} AND resource = 'dashboards'", of("dashboard"));
    let own = format!("{dashboards} AND instr(value, '\"grafana.app/managedBy\"') = 0");
    Ok((folders, number(connection, &dashboards)?, number(connection, &own)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::PathBuf;

    use serde_json::Value;

    use super::*;

    /// A copy of a database that a real Grafana wrote.
    fn copy(name: &str) -> (tempfile::TempDir, PathBuf) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grafana").join(name);
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(from).unwrap().flatten() {
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        let database = folder.path().join("grafana.db");
        (folder, database)
    }

    fn expected(name: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/grafana/expect.json");
        serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap()[name].clone()
    }

    #[test]
    fn what_a_real_grafana_wrote_is_settled_and_counted() {
        for name in ["rest", "wal", "hot-journal"] {
            let (folder, database) = copy(name);
            let report = settle(&database).unwrap();
            let wanted = expected(name);
            assert_eq!(wanted["users"], report.counts.users, "{name}");
            assert_eq!(wanted["datasources"], report.counts.datasources, "{name}");
            assert_eq!(wanted["folders"], report.counts.folders, "{name}");
            assert_eq!(wanted["dashboards"], report.counts.dashboards, "{name}");
            assert_eq!(wanted["migrations"], report.migrations, "{name}");
            assert_eq!(wanted["newest_migration"].as_str(), report.newest_migration.as_deref(), "{name}");
            // One plain file is left, and it says the same when it is read again.
            let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
            assert_eq!(left.len(), 1, "{name}: {left:?}");
            assert_eq!(inspect(&database).unwrap(), report, "{name}");
        }
    }

    #[test]
    fn a_torn_copy_is_refused_with_the_words_of_sqlite() {
        let (_folder, database) = copy("torn");
        let error = settle(&database).unwrap_err();
        assert!(matches!(&error, DatabaseError::Damaged(words) if !words.is_empty()), "{error}");
        assert!(error.hint().unwrap().contains(".clone"));
    }

    #[test]
    fn what_is_no_database_of_grafana_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text.db");
        std::fs::write(&text, "not a database at all, but longer than a header of one hundred bytes, which is what SQLite reads first of all\n").unwrap();
        assert!(matches!(settle(&text).unwrap_err(), DatabaseError::Damaged(_)));
        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE notes (text)").unwrap();
        assert!(matches!(settle(&other).unwrap_err(), DatabaseError::Foreign("user")));
        assert!(matches!(settle(&folder.path().join("none.db")).unwrap_err(), DatabaseError::Unreadable(_)));
    }

    #[test]
    fn unified_storage_is_counted_by_group() {
        let (_folder, database) = copy("rest");
        let connection = Connection::open(&database).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE resource (guid TEXT, \"group\" TEXT, resource TEXT, value TEXT);
                 CREATE TABLE unifiedstorage_migration_log (id INTEGER);",
            )
            .unwrap();
        // The table alone decides nothing.
        assert_eq!(inspect(&database).unwrap().layout, Layout::Dashboard);
        connection
            .execute_batch(
                "INSERT INTO unifiedstorage_migration_log VALUES (1);
                 INSERT INTO resource VALUES ('1', 'dashboard.grafana.app', 'dashboards', '{}');
                 INSERT INTO resource VALUES ('2', 'dashboard.grafana.app', 'dashboards', '{\"metadata\":{\"annotations\":{\"grafana.app/managedBy\":\"classic-file-provisioning\"}}}');
                 INSERT INTO resource VALUES ('3', 'folder.grafana.app', 'folders', '{}');
                 INSERT INTO resource VALUES ('4', 'playlist.grafana.app', 'playlists', '{}');",
            )
            .unwrap();
        let report = inspect(&database).unwrap();
        assert_eq!(report.layout, Layout::Resource);
        let counts = report.counts;
        assert_eq!((counts.folders, counts.dashboards, counts.own_dashboards), (1, 2, 1));
    }
}
