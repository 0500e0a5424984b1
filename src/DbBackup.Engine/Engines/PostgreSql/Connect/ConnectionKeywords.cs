using Npgsql;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>The keys of connection strings: libpq's, Npgsql's and those that frameworks add to a URI.</summary>
internal static class ConnectionKeywords
{
    /// <summary>Stands for a key that is known and has no meaning here.</summary>
    public const string Ignored = "(ignored)";

    /// <summary>Stands for a key that is known and demands something of the connection that cannot be kept.</summary>
    public const string Unsupported = "(unsupported)";

    private static readonly Dictionary<string, string> s_keywords = Build();
    private static readonly NpgsqlConnectionStringBuilder s_driver = [];

    /// <summary>The keyword of libpq that a key means, <see cref="Ignored"/>, <see cref="Unsupported"/>, or null for a key that nobody knows.</summary>
    public static string? Keyword(string key)
    {
        if (s_keywords.TryGetValue(key.Trim(), out string? keyword))
            return keyword;
        lock (s_driver)
            return s_driver.ContainsKey(key.Trim()) ? Ignored : null;
    }

    private static Dictionary<string, string> Build()
    {
        var keywords = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        // https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
        foreach (string keyword in (string[])[
            "host", "hostaddr", "port", "dbname", "user", "password", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey", "options",
            "connect_timeout", "channel_binding", "service", "servicefile"])
            keywords[keyword] = keyword;
        foreach (string keyword in (string[])[
            "application_name", "fallback_application_name", "client_encoding", "keepalives", "keepalives_idle", "keepalives_interval",
            "keepalives_count", "tcp_user_timeout", "sslcompression", "sslsni", "sslnegotiation", "sslcertmode", "krbsrvname", "gsslib", "gssencmode", "gssdelegation",
            "target_session_attrs", "load_balance_hosts", "replication", "authtype", "tty", "min_protocol_version", "max_protocol_version",
            // What frameworks and poolers put into DATABASE_URL for themselves (Prisma, SQLAlchemy's drivers, hosted services).
            "schema", "connection_limit", "pool_timeout", "pool_size", "pgbouncer", "statement_cache_size", "prepared_statement_cache_size",
            "socket_timeout", "sslaccept", "prepare_threshold", "pool"])
            keywords[keyword] = Ignored;
        foreach (string keyword in (string[])[
            "sslcrl", "sslcrldir", "sslpassword", "requirepeer", "require_auth", "ssl_min_protocol_version", "ssl_max_protocol_version",
            "requiressl", "ssl password", "sslidentity", "require auth", "requireauth"])
            keywords[keyword] = Unsupported;
        // https://www.npgsql.org/doc/connection-string-parameters.html, with the driver's own aliases.
        foreach ((string name, string keyword) in (ReadOnlySpan<(string, string)>)[
            ("server", "host"), ("host name", "host"), ("database", "dbname"), ("db", "dbname"), ("username", "user"), ("user name", "user"), ("user id", "user"),
            ("userid", "user"), ("uid", "user"), ("psw", "password"), ("pwd", "password"), ("ssl mode", "sslmode"),
            ("root certificate", "sslrootcert"), ("rootcertificate", "sslrootcert"), ("ssl certificate", "sslcert"), ("sslcertificate", "sslcert"),
            ("ssl key", "sslkey"), ("timeout", "connect_timeout"), ("channel binding", "channel_binding"), ("channelbinding", "channel_binding")])
            keywords[name] = keyword;
        return keywords;
    }
}
