namespace DbBackup.Tests.Unit.Architecture;

/// <summary>A parameter that a user knows from one cmdlet is the same in the others: type, aliases, validation and completer.</summary>
public sealed class CmdletParametersTests
{
    // One word of PowerShell for what differs by the cmdlet's noun.
    private static readonly Dictionary<string, string> Differing = new()
    {
        ["Database"] = "of a server, or of what a backup holds; only the first are completed",
        ["Destination"] = "a file or folder, or a repository, which is completed",
        ["Format"] = "how a database is stored or exported",
        ["Id"] = "of a restore or of an upgrade",
        ["InputObject"] = "what the cmdlet takes by the pipeline",
        ["Name"] = "of a backup that is there, of one to be made, of a source",
        ["Path"] = "piped as it is written, or with wildcards beside -LiteralPath",
        ["Reason"] = "given to a backup, or filtered by",
        ["Retention"] = "of a run, or of a plan, from which an empty one takes it away",
    };

    [Fact]
    public void A_parameter_is_the_same_in_all_cmdlets()
    {
        (string Cmdlet, string Name, string Meaning)[] parameters = [.. CmdletParameters.Read()];
        Assert.True(parameters.Length > 100);
        string[] differing = [.. parameters.GroupBy(parameter => parameter.Name).Where(same => same.Select(parameter => parameter.Meaning).Distinct().Count() > 1)
            .Where(same => !Differing.ContainsKey(same.Key))
            .SelectMany(same => same.Select(parameter => $"{parameter.Name} of {parameter.Cmdlet}: {parameter.Meaning}"))];
        Assert.True(differing.Length == 0, "Declare them once, as a group of src/DbBackup.PowerShell/Parameters:\n" + string.Join('\n', differing));
    }

    [Fact]
    public void Each_name_that_may_differ_does() => Assert.All(
        Differing.Keys,
        name => Assert.True(CmdletParameters.Read().Where(parameter => parameter.Name == name).Select(parameter => parameter.Meaning).Distinct().Count() > 1, name));
}
