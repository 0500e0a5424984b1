using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>Gives the definitions of a database, or the roles of a server, in a form in which two of them can be compared.</summary>
internal static partial class ComparedSchema
{
    // Their texts hold passwords of other servers.
    private static readonly string[] s_withSecrets = ["SUBSCRIPTION", "USER MAPPING", "SERVER", "FOREIGN SERVER"];

    // Of this process alone: what is shown must be no help to guess a password.
    private static readonly byte[] s_key = RandomNumberGenerator.GetBytes(32);

    /// <summary>The definitions in a payload; null if it is SQL text, or of a form that is not known here.</summary>
    /// <exception cref="BackupException">The payload is damaged.</exception>
    public static async Task<SchemaDefinitions?> OfPayloadAsync(BackupContent content, Payload payload, CancellationToken cancellationToken)
    {
        if (payload.Kind == PayloadKind.Globals)
        {
            using PayloadReader script = content.OpenOriginal(payload, cancellationToken);
            return OfRoles(await RoleScript.ReadAsync(script, cancellationToken).ConfigureAwait(false), content.Manifest.Source.EngineVersion);
        }

        if (payload.Format == PayloadFormat.PostgreSqlPlain)
            return null;
        // The table of contents stands at the beginning; nothing behind it is read.
        using PayloadReader archive = content.OpenOriginal(payload, cancellationToken);
        return Of(await SchemaText.ReadAsync(archive, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The definitions of a schema; null if it is not known.</summary>
    public static SchemaDefinitions? Of(SchemaText? schema) => schema is not { ServerMajor: { } server, ClientMajor: { } client } ? null : new SchemaDefinitions(
        string.Create(CultureInfo.InvariantCulture, $"pg_dump {client} of PostgreSQL {server}"),
        new SchemaDifferences(new DatabaseLoadOptions()).ByObject(schema)
            .ToDictionary(each => Name(each.Key), IReadOnlyList<string> (each) => IsSecret(each.Key) ? [.. each.Value.Select(Hidden)] : each.Value, StringComparer.Ordinal));

    /// <summary>The roles and tablespaces of a server, each with the statements about it, without passwords.</summary>
    public static SchemaDefinitions OfRoles(RoleScript script, string? serverVersion)
    {
        Dictionary<string, IReadOnlyList<string>> objects = script.For(script.Roles).GroupBy(statement => statement.Role, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, IReadOnlyList<string> (group) => [string.Join('\n', group.Select(statement => WithoutPassword(statement.Sql)).Order(StringComparer.Ordinal))], StringComparer.Ordinal);
        foreach (DumpedTablespace tablespace in script.Tablespaces)
            objects["tablespace " + tablespace.Name] = [$"owner {tablespace.Owner}\nlocation {tablespace.Location}"];
        // A role that is no superuser gets no passwords.
        bool hasPasswords = script.For(script.Roles).Any(statement => Password().IsMatch(statement.Sql));
        return new SchemaDefinitions($"pg_dumpall of PostgreSQL {serverVersion?.Split('.')[0]}{(hasPasswords ? string.Empty : " without passwords")}", objects);
    }

    // "FK CONSTRAINT public.orders orders_customer_fkey" as a person reads it.
    private static string Name(string name)
    {
        int end = 0;
        while (end < name.Length && (char.IsAsciiLetterUpper(name[end]) || name[end] == ' '))
            end++;
        // The first letter of the object's own name may be a capital.
        end = name.LastIndexOf(' ', Math.Min(end, name.Length - 1));
        return end < 0 ? name : name[..end].ToLowerInvariant() + name[end..];
    }

    private static bool IsSecret(string name) => s_withSecrets.Any(kind => name.StartsWith(kind + " ", StringComparison.Ordinal));

    private static string Hidden(string text) => "text " + Digest(text);

    // A new password shows as another word in its place.
    private static string WithoutPassword(string sql) => Password().Replace(sql, match => $" PASSWORD ({Digest(match.Groups[1].Value)})");

    private static string Digest(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(s_key, Encoding.UTF8.GetBytes(text)))[..8];

    [GeneratedRegex(@" PASSWORD ((?: E)?'(?:[^']|'')*'|NULL)", RegexOptions.CultureInvariant)]
    private static partial Regex Password();
}
