namespace DbBackup;

/// <summary>How the schema of a database stands to the migrations of a state of the code.</summary>
public enum SchemaRelation
{
    /// <summary>It is not known: the code's migrations cannot be read, or the database names no revision.</summary>
    Unknown,

    /// <summary>All migrations of the code have been made, and no others.</summary>
    Same,

    /// <summary>The code has migrations that the database has not had yet.</summary>
    Behind,

    /// <summary>The database has had migrations that the code does not know: the code is older.</summary>
    Ahead,

    /// <summary>Each has migrations that the other does not know.</summary>
    Diverged,
}
