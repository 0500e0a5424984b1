using System.Formats.Tar;
using System.Globalization;
using System.Text;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Tunnel;

/// <summary>Who may connect to the server in a container, as the container's own environment says it.</summary>
/// <param name="Username">The role.</param>
/// <param name="Password">Its password; null where none was set.</param>
/// <param name="Database">The application's database.</param>
/// <param name="Port">The port inside.</param>
internal sealed record ContainerCredentials(string Username, string? Password, string Database, int Port)
{
    private const int LongestSecret = 1 << 16;

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
    public static async Task<ContainerCredentials> ReadAsync(ContainerHost host, CancellationToken cancellationToken)
    {
        string user = await FirstAsync(host, s_user, cancellationToken).ConfigureAwait(false) ?? "postgres";
        string? port = await FirstAsync(host, s_port, cancellationToken).ConfigureAwait(false);
        return new ContainerCredentials(
            user,
            await FirstAsync(host, s_password, cancellationToken).ConfigureAwait(false),
            await FirstAsync(host, s_database, cancellationToken).ConfigureAwait(false) ?? user,
            int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 5432);
    }

    private static async Task<string?> FirstAsync(ContainerHost host, string[] names, CancellationToken cancellationToken)
    {
        foreach (string name in names)
        {
            if (host.Container.Variable(name) is { Length: > 0 } value)
                return value;
            if (host.Container.Variable(name + "_FILE") is { Length: > 0 } file && await ReadFileAsync(host, file, cancellationToken).ConfigureAwait(false) is { } content)
                return content.TrimEnd('\r', '\n');
        }

        return null;
    }

    private static async Task<string?> ReadFileAsync(ContainerHost host, string path, CancellationToken cancellationToken)
    {
        // A secret may lie in a file system of the container's own memory, which the engine's archive does not see: the container is asked first.
        (int exitCode, string output, _) = await host.CaptureAsync("cat", [path], cancellationToken).ConfigureAwait(false);
        if (exitCode == 0)
            return output;
        try
        {
            using Stream archive = await host.Client.ContainerArchiveAsync(host.Container.Id, path, cancellationToken).ConfigureAwait(false);
            using var tar = new TarReader(archive);
            if (await tar.GetNextEntryAsync(copyData: true, cancellationToken).ConfigureAwait(false) is not { DataStream: { } data } || data.Length > LongestSecret)
                return null;
            using var reader = new StreamReader(data);
            return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.DockerFailed)
        {
            return null;
        }
    }
}
