using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>Manifests that somebody else wrote: each is readable, or says why not, and none hides or blocks another.</summary>
public sealed class HostileManifestTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public HostileManifestTests() => _database = SampleDatabase.Create(_bench["app.db"]);

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_member_may_lack_be_null_or_of_another_type_and_the_manifest_is_readable_or_says_why_not(bool isKept)
    {
        byte[] whole = ManifestJson.Write(isKept ? ManifestTests.Kept() : ManifestTests.Whole());
        string[] values =
        [
            "null", "{}", "[]", "[null]", "[[null]]", "{\"a\":null}", "true", "\"\"", "\"x\"", "\"\\u0000\\u001b]52;c;x\\u0007\"", "\"\\ud800\"", "-1", "1e400", "1.5", "9223372036854775807", "123456789012345678901234567890",
            "\"0001-01-01T00:00:00+14:00\"", "\"9999-12-31T23:59:59.9999999-14:00\"", new string('[', 500) + new string(']', 500), "\"" + new string('x', 100_000) + "\"",
        ];
        int readable = 0, unreadable = 0;
        foreach (string path in Paths(JsonNode.Parse(whole)!, "$").Distinct().ToList())
        {
            foreach (string? value in values.Prepend(null))
            {
                byte[] json = Encoding.UTF8.GetBytes(With(Encoding.UTF8.GetString(whole), path, value));

                Manifest? manifest = ManifestJson.Read(json, out string? problem);

                Assert.True(manifest is not null || !string.IsNullOrWhiteSpace(problem), $"{path} = {value}");
                if (manifest is null)
                    unreadable++;
                else
                    readable++;
                Use(manifest, problem, $"{path} = {value}");
            }
        }

        Assert.True(readable > 100 && unreadable > 200, $"{readable} readable, {unreadable} not");
    }

    [Theory]
    [InlineData("tags")]
    [InlineData("requires")]
    [InlineData("notes")]
    [InlineData("tools")]
    [InlineData("settings")]
    [InlineData("objects")]
    [InlineData("sequences")]
    [InlineData("roles")]
    [InlineData("extensions")]
    public void A_list_that_another_version_did_not_write_is_empty(string member)
    {
        string json = Encoding.UTF8.GetString(ManifestJson.Write(ManifestTests.Whole()));
        string[] paths = [.. Paths(JsonNode.Parse(json)!, "$").Where(path => path.EndsWith("." + member, StringComparison.Ordinal))];

        string without = paths.Aggregate(json, (text, path) => With(text, path, null));
        Manifest? manifest = ManifestJson.Read(Encoding.UTF8.GetBytes(without), out string? problem);

        Assert.NotEmpty(paths);
        Assert.Null(problem);
        Use(manifest, problem, member);
    }

    [Fact]
    public async Task A_manifest_that_cannot_be_read_hides_and_blocks_no_other()
    {
        Backup good = await _bench.BackUpAsync(_database);
        string template = File.ReadAllText(Path.Join(good.Location, "backup.json"));
        var hostile = new Dictionary<string, string>
        {
            ["a-empty"] = "",
            ["b-gap"] = With(template, "$.tags", "[null]"),
            ["c-no-settings"] = With(template, "$.details.payloads[0].fingerprint.settings", null),
            ["d-sequence"] = With(template, "$.sequence", "9223372036854775807"),
            ["e-deep"] = new string('[', 100_000),
            ["f-kept"] = With(template, "$.kept", "{\"location\":\"postgresql://h:1/a_before_x\",\"objectId\":1,\"replaced\":\"a\",\"username\":\"u\",\"size\":-5,\"replacedBy\":\"x\"}"),
            ["g-twice"] = template.Replace("\"sequence\": 1", "\"sequence\": 1, \"sequence\": 9", StringComparison.Ordinal),
            ["h-binary"] = "\0\0\0\0",
        };
        foreach ((string name, string json) in hostile)
            Put($"{good.Source}/{name}", json);
        // Sparse: 3 GB that nobody should read.
        Put($"{good.Source}/i-large", "");
        using (FileStream large = File.OpenWrite(Path.Join(_bench.RepositoryPath, good.Source, "i-large", "backup.json")))
            large.SetLength(3L << 30);
        Directory.CreateDirectory(Path.Join(_bench.RepositoryPath, "kept"));
        File.WriteAllText(Path.Join(_bench.RepositoryPath, "kept", $"{Guid.NewGuid()}.json"), template);

        IReadOnlyList<Backup> all = await _bench.ListAsync();

        Assert.Equal(1 + hostile.Count + 2, all.Count);
        Assert.Equal(BackupStatus.Written, Assert.Single(all, each => each.Name == good.Name).Status);
        Assert.All(all.Where(each => each.Name != good.Name && each.Name != "c-no-settings"), each => Assert.True(each.Status == BackupStatus.Unreadable && each.Problem!.Length > 5, each.Name));
        Assert.Contains("at most 64", Assert.Single(all, each => each.Name == "i-large").Problem, StringComparison.Ordinal);
        Assert.Equal(BackupStatus.Matched, (await _bench.TestAsync(good, BackupTestLevel.Restore)).Status);
        Backup next = await _bench.BackUpAsync(_database);
        Assert.Equal(2, next.Manifest!.Sequence);
        Assert.Equal(next.Name, BackupSelection.LatestGood(await _bench.ListAsync(), null)[0].Name);
    }

    [Fact]
    public async Task The_largest_sequence_number_does_not_block_the_next_backup()
    {
        Backup first = await _bench.BackUpAsync(_database);
        Put($"{first.Source}/last", With(File.ReadAllText(Path.Join(first.Location, "backup.json")), "$.sequence", $"{ManifestJson.LargestSequence}"));

        Backup next = await _bench.BackUpAsync(_database);

        Assert.Equal(ManifestJson.LargestSequence, next.Manifest!.Sequence);
        Assert.Equal(next.Name, (await _bench.ListAsync())[0].Name);
    }

    [Fact]
    public async Task Of_backups_with_the_same_number_the_clock_tells_the_newer_one()
    {
        Backup first = await _bench.BackUpAsync(_database);
        string json = File.ReadAllText(Path.Join(first.Location, "backup.json"));
        foreach (int minute in (int[])[3, 1, 2])
            Put($"{first.Source}/minute-{9 - minute}", With(With(json, "$.created", $"\"2126-11-21T02:0{minute}:00Z\""), "$.sequence", "5"));

        IReadOnlyList<Backup> all = await _bench.ListAsync();

        Assert.Equal(["minute-6", "minute-7", "minute-8", first.Name], all.Select(each => each.Name));
    }

    [Fact]
    public async Task A_record_of_an_impossible_test_counts_for_nothing()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        await _bench.TestAsync(backup, BackupTestLevel.Checksum);
        string record = Directory.GetFiles(Path.Join(backup.Location, "tests")).Single();
        string text = File.ReadAllText(record);
        foreach ((string member, string value) in ((string, string)[])[("reached", "99"), ("level", "-7"), ("tested", "null"), ("reached", "{}"), ("tested", "\"0001-01-01T00:00:00+14:00\"")])
            Resealed.WriteAllText(Path.Join(backup.Location, "tests", $"20991121T020000Z-{Guid.NewGuid():N}.json"), With(text, $"$.{member}", value));
        File.WriteAllText(Path.Join(backup.Location, "tests", "20991121T020000Z-x.json"), new string('{', 70_000));

        Assert.Equal(BackupStatus.Checked, Assert.Single(await _bench.ListAsync()).Status);
    }

    private void Put(string key, string json)
    {
        string folder = Path.Join(_bench.RepositoryPath, key);
        Directory.CreateDirectory(folder);
        Resealed.WriteAllText(Path.Join(folder, "backup.json"), json);
    }

    // What Get-DbBackup, Test-DbBackup and New-DbBackup ask of each backup of a repository.
    private static void Use(Manifest? manifest, string? problem, string what)
    {
        try
        {
            var backup = new Backup(manifest, "app", "x", "/r", "/r/app/x", [], problem);
            foreach (System.Reflection.PropertyInfo property in typeof(Backup).GetProperties())
                _ = property.GetValue(backup)?.ToString();
            _ = BackupRepository.NewestFirst([backup, backup]);
            if (manifest is null || problem is not null)
                return;
            _ = manifest.ToString() + manifest.Source + manifest.Kept + manifest.Pause + manifest.Git + manifest.Tags + manifest.Notes;
            foreach (Payload payload in manifest.Payloads)
            {
                _ = payload.ToString() + payload.Database + payload.Fingerprint + payload.Database?.Settings + payload.Database?.Extensions + payload.Database?.Roles + payload.Database?.Grants;
                if (payload.Fingerprint is { } fingerprint)
                    Assert.Empty(fingerprint.DifferencesFrom(fingerprint));
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{what}: {exception.Message}", exception);
        }
    }

    private static IEnumerable<string> Paths(JsonNode node, string path)
    {
        if (path != "$")
            yield return path;
        IEnumerable<(JsonNode? Child, string Path)> children = node switch
        {
            JsonObject json => json.Select(each => (each.Value, $"{path}.{each.Key}")),
            JsonArray list => list.Select((each, i) => (each, $"{path}[{i}]")),
            _ => [],
        };
        foreach ((JsonNode? child, string childPath) in children)
        {
            if (child is null)
                yield return childPath;
            else
                foreach (string each in Paths(child, childPath))
                    yield return each;
        }
    }

    // Replaces a value by other text, which need not be JSON that a library would write; null removes the member.
    private static string With(string json, string path, string? value)
    {
        const string Mark = "\"@@here@@\"";
        JsonNode root = JsonNode.Parse(json)!;
        string[] steps = path[2..].Replace("[", ".[", StringComparison.Ordinal).Split('.');
        JsonNode node = root;
        foreach (string step in steps[..^1])
            node = step[0] == '[' ? node[int.Parse(step[1..^1], System.Globalization.CultureInfo.InvariantCulture)]! : node[step]!;
        JsonNode? mark = value is null ? null : JsonNode.Parse(Mark);
        if (steps[^1][0] != '[' && value is null)
            node.AsObject().Remove(steps[^1]);
        else if (steps[^1][0] != '[')
            node[steps[^1]] = mark;
        else if (value is null)
            node.AsArray().RemoveAt(int.Parse(steps[^1][1..^1], System.Globalization.CultureInfo.InvariantCulture));
        else
            node[int.Parse(steps[^1][1..^1], System.Globalization.CultureInfo.InvariantCulture)] = mark;
        string text = root.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true });
        return value is null ? text : text.Replace(Mark, value, StringComparison.Ordinal);
    }
}
