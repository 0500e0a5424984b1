using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>What a server has in its data folder beside its databases: settings, and who may connect from where.</summary>
internal static class ServerSettings
{
    private const string Reading = "reading the server's settings";
    private const string Writing = "setting the server's settings";

    // Where the server's own files and sockets are is a matter of each image.
    private static readonly string[] s_places = ["data_directory", "config_file", "hba_file", "ident_file", "external_pid_file", "unix_socket_directories"];

    // Several values in one text, each of which ALTER SYSTEM takes by itself.
    private static readonly string[] s_lists = ["shared_preload_libraries", "session_preload_libraries", "local_preload_libraries", "search_path", "temp_tablespaces"];

    /// <summary>Gives a new server the settings of the old one that are not its own already.</summary>
    /// <returns>The names of the settings; empty if they were the same.</returns>
    public static async Task<IReadOnlyList<string>> CopyAsync(PostgreSqlSession source, PostgreSqlSession target, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Dictionary<string, string> present = await ReadAsync(target, cancellationToken).ConfigureAwait(false);
        var set = new List<string>();
        foreach ((string name, string value) in await ReadAsync(source, cancellationToken).ConfigureAwait(false))
        {
            if (s_places.Contains(name) || (present.TryGetValue(name, out string? own) && own == value))
                continue;
            string values = s_lists.Contains(name)
                ? string.Join(", ", value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(each => PostgreSqlSession.Literal(each.Trim('"'))))
                : PostgreSqlSession.Literal(value);
            try
            {
                await target.ExecuteAsync($"ALTER SYSTEM SET {PostgreSqlSession.Quote(name)} = {(values.Length == 0 ? "''" : values)}", Writing, cancellationToken).ConfigureAwait(false);
                set.Add(name);
            }
            catch (BackupException failure) when (failure.Code == ErrorCodes.ServerFailed)
            {
                observer.Warning($"The new server does not take the setting '{name}' of the old one, and has its default: {failure.Message}");
            }
        }

        return set;
    }

    /// <summary>Gives a new server the old one's rules of who may connect (pg_hba.conf, pg_ident.conf), if they differ and lie in the data folder.</summary>
    /// <returns>The names of the files.</returns>
    public static async Task<IReadOnlyList<string>> CopyRulesAsync(PostgreSqlSession source, PostgreSqlSession target, CancellationToken cancellationToken)
    {
        var copied = new List<string>();
        foreach (string file in new[] { "hba_file", "ident_file" })
        {
            string inData = $"SELECT current_setting('{file}') LIKE current_setting('data_directory') || '/%'";
            if (!await source.IsTrueAsync(inData, Reading, cancellationToken).ConfigureAwait(false) || !await target.IsTrueAsync(inData, Reading, cancellationToken).ConfigureAwait(false))
                continue;
            string text = await TextOfAsync(source, file, cancellationToken).ConfigureAwait(false);
            if (Rules(text) == Rules(await TextOfAsync(target, file, cancellationToken).ConfigureAwait(false)))
                continue;
            long copy = await target.NumberAsync("SELECT lo_from_bytea(0, $1)::bigint", Writing, cancellationToken, Encoding.UTF8.GetBytes(text)).ConfigureAwait(false);
            await target.ScalarAsync($"SELECT lo_export($1::bigint::oid, current_setting('{file}'))", Writing, cancellationToken, copy).ConfigureAwait(false);
            await target.ScalarAsync("SELECT lo_unlink($1::bigint::oid)", Writing, cancellationToken, copy).ConfigureAwait(false);
            copied.Add(file == "hba_file" ? "pg_hba.conf" : "pg_ident.conf");
        }

        if (copied.Count > 0)
            await target.ScalarAsync("SELECT pg_reload_conf()", Writing, cancellationToken).ConfigureAwait(false);
        return copied;
    }

    private static async Task<Dictionary<string, string>> ReadAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string name, string value) in await session.RowsAsync(
            "SELECT name, setting FROM pg_file_settings WHERE applied AND setting IS NOT NULL ORDER BY seqno", row => (row.GetString(0), row.GetString(1)), Reading, cancellationToken).ConfigureAwait(false))
        {
            settings[name] = value;
        }

        return settings;
    }

    private static async Task<string> TextOfAsync(PostgreSqlSession session, string file, CancellationToken cancellationToken) =>
        await session.TextAsync($"SELECT pg_read_file(current_setting('{file}'))", Reading, cancellationToken).ConfigureAwait(false) ?? string.Empty;

    // The comments around the rules differ between versions.
    private static string Rules(string text) => string.Join('\n', text.Split('\n').Select(line => string.Join(' ', line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))).Where(line => line.Length > 0 && line[0] != '#'));
}
