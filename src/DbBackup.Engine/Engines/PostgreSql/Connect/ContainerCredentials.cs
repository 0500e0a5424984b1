using System.Globalization;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>The role, password and database that a container's environment gave its server.</summary>
/// <param name="Username">The role.</param>
/// <param name="Password">Its password; null where none was set.</param>
/// <param name="Database">The application's database.</param>
/// <param name="Port">The port inside.</param>
internal sealed record ContainerCredentials(string Username, string? Password, string Database, int Port)
{
    // The official image's names (hub.docker.com/_/postgres), then Bitnami's, then libpq's own.
    private static readonly string[] s_user = ["POSTGRES_USER", "POSTGRESQL_USERNAME", "POSTGRESQL_USER", "PGUSER"];
    private static readonly string[] s_password = ["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD", "PGPASSWORD"];
    private static readonly string[] s_database = ["POSTGRES_DB", "POSTGRESQL_DATABASE", "PGDATABASE"];
    private static readonly string[] s_port = ["PGPORT", "POSTGRESQL_PORT_NUMBER"];

    // A record's own text would show the password.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"Username = {Username}, Database = {Database}, Port = {Port}");
        return true;
    }

    /// <summary>Reads them; the files that <c>…_FILE</c> names are read in the container.</summary>
    public static async Task<ContainerCredentials> ReadAsync(ITunnel tunnel, CancellationToken cancellationToken)
    {
        string user = await FirstAsync(tunnel, s_user, cancellationToken).ConfigureAwait(false) ?? "postgres";
        string? port = await FirstAsync(tunnel, s_port, cancellationToken).ConfigureAwait(false);
        return new ContainerCredentials(
            user,
            await FirstAsync(tunnel, s_password, cancellationToken).ConfigureAwait(false),
            await FirstAsync(tunnel, s_database, cancellationToken).ConfigureAwait(false) ?? user,
            int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 5432);
    }

    private static async Task<string?> FirstAsync(ITunnel tunnel, string[] names, CancellationToken cancellationToken)
    {
        foreach (string name in names)
        {
            if (tunnel.Variable(name) is { Length: > 0 } value)
                return value;
            if (tunnel.Variable(name + "_FILE") is { Length: > 0 } file && await tunnel.ReadFileAsync(file, cancellationToken).ConfigureAwait(false) is { } content)
                return content.TrimEnd('\r', '\n');
        }

        return null;
    }
}
