using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;

namespace DbBackup.Bench;

/// <summary>The repository of a fleet: each host backs up one source each night, and tests each backup. An object is made out of its key alone.</summary>
internal sealed class SimulatedFleet
{
    /// <summary>How many nights there are, the newest one is yesterday's.</summary>
    public const int Nights = 250;

    private const int Number = 987_654_321;
    private static readonly byte[] s_identity = Encoding.UTF8.GetBytes($$"""{ "format": 1, "id": "{{Guid.NewGuid()}}", "created": "2026-01-01T00:00:00+00:00" }""");
    private readonly string _template;
    private readonly DateTime _newest;

    /// <param name="manifest">The text of a real manifest.</param>
    /// <param name="hosts">How many hosts.</param>
    public SimulatedFleet(string manifest, int hosts)
    {
        JsonObject real = JsonNode.Parse(manifest)!.AsObject();
        foreach (string member in (string[])["repository", "signer", "signature", "sha256"])
            real.Remove(member);
        real["id"] = "@id@";
        real["name"] = "@name@";
        real["host"] = "@source@";
        real["source"]!["name"] = "@source@";
        real["created"] = "@created@";
        real["completed"] = "@created@";
        real["sequence"] = Number;
        _template = real.ToJsonString(new() { WriteIndented = true });
        _newest = DateTime.UtcNow.Date.AddHours(2);
        var keys = new List<string>(hosts * Nights * 4 + 1) { RepositoryKeys.Identity };
        for (int host = 0; host < hosts; host++)
        {
            for (int night = 0; night < Nights; night++)
            {
                string folder = string.Create(CultureInfo.InvariantCulture, $"host-{host:D4}/{_newest.AddDays(-night):yyyyMMdd'T'HHmmss'Z'}-full/");
                keys.AddRange([folder + RepositoryKeys.Manifest, folder + "app.db.zst", folder + RepositoryKeys.Instructions, $"{folder}{RepositoryKeys.Tests}{_newest.AddDays(-night):yyyyMMdd'T'HHmmss'Z'}-{host:D8}{night:D24}.json"]);
            }
        }

        Keys = [.. keys.Order(StringComparer.Ordinal)];
    }

    /// <summary>All keys, in order.</summary>
    public string[] Keys { get; }

    /// <summary>True for what was made in the last night.</summary>
    public bool IsNew(string key) => key.Contains(string.Create(CultureInfo.InvariantCulture, $"/{_newest:yyyyMMdd}T"), StringComparison.Ordinal);

    /// <summary>Makes an object.</summary>
    public byte[] Make(string key)
    {
        if (key == RepositoryKeys.Identity)
            return s_identity;
        string[] names = key.Split('/');
        return names[^1] switch
        {
            RepositoryKeys.Manifest => Manifest(names[0], names[1]),
            _ when names.Length == 4 => ManifestJson.WriteTest(new TestRecord
            {
                Tested = Created(names[1]),
                Level = BackupTestLevel.Restore,
                Passed = true,
                Reached = BackupStatus.Matched,
                Host = names[0],
                ManifestSha256 = BackupListing.HashOf(Manifest(names[0], names[1])),
            }),
            _ => "stub"u8.ToArray(),
        };
    }

    private static DateTime Created(string name) => DateTime.ParseExact(name[..16], "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal);

    private byte[] Manifest(string source, string name)
    {
        DateTime created = Created(name);
        int sequence = Nights - (int)(_newest - created).TotalDays;
        string text = _template.Replace("@id@", string.Create(CultureInfo.InvariantCulture, $"00000000-0000-0000-{source[^4..]}-{sequence:D12}"), StringComparison.Ordinal)
            .Replace("@name@", name, StringComparison.Ordinal).Replace("@source@", source, StringComparison.Ordinal)
            .Replace("@created@", created.ToString("O", CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace(Number.ToString(CultureInfo.InvariantCulture), sequence.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        return Seal.Add(Encoding.UTF8.GetBytes(text));
    }
}
