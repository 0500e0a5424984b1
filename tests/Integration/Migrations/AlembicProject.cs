using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Migrations;

/// <summary>Makes a real Alembic project; the test is skipped where Alembic is not installed, and fails in CI.</summary>
internal static class AlembicProject
{
    // env.py is only run by commands that need a database; that none of ours does shows that it fails.
    private const string Environment = "raise SystemExit('a database was asked for')\n";

    /// <summary>Makes it.</summary>
    /// <param name="folder">The folder, which must not be there.</param>
    /// <param name="revisions">Each revision with those that it stands on.</param>
    /// <returns>The folder.</returns>
    public static string Create(string folder, params (string Id, string[] Down)[] revisions)
    {
        Require.Tool("alembic");
        string versions = Directory.CreateDirectory(Path.Combine(folder, "migrations", "versions")).FullName;
        File.WriteAllText(Path.Combine(folder, "alembic.ini"), "[alembic]\nscript_location = migrations\n");
        File.WriteAllText(Path.Combine(folder, "migrations", "env.py"), Environment);
        foreach ((string id, string[] down) in revisions)
            Add(versions, id, down);
        return folder;
    }

    private static void Add(string versions, string id, string[] down)
    {
        string parents = down.Length switch { 0 => "None", 1 => $"'{down[0]}'", _ => $"({string.Join(", ", down.Select(name => $"'{name}'"))})" };
        File.WriteAllText(
            Path.Combine(versions, id + "_step.py"),
            $"\"\"\"step {id}, with a comma\"\"\"\nrevision = '{id}'\ndown_revision = {parents}\nbranch_labels = None\ndepends_on = None\n\ndef upgrade():\n    pass\n");
    }
}
