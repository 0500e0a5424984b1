using System.Collections;
using System.Management.Automation;
using DbBackup.Engine.Plans.Secrets;

namespace DbBackup.PowerShell.Plans;

/// <summary>One entry of a plan's -Backup, as it is typed: checked against the parameters that New-DbBackup has.</summary>
internal static class PlanEntry
{
    // What the plan says itself, or what would be wrong at the second run.
    private static readonly Dictionary<string, string> s_refused = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Name"] = "each run makes a backup of its own name. Mark them with Tag instead",
        ["Repository"] = "the repository is the plan's: Register-DbBackupPlan -Repository",
        ["InputObject"] = "an object cannot be written into a file",
        ["WhatIf"] = "the plan is to make backups",
        ["Confirm"] = "nobody is there to answer",
    };

    private static readonly HashSet<string> s_paths = new(StringComparer.OrdinalIgnoreCase) { "Path", "LiteralPath", "AdditionalPath", "StagingPath", "ComposeFile" };

    /// <summary>Reads an entry.</summary>
    /// <param name="table">The hashtable.</param>
    /// <param name="command">New-DbBackup.</param>
    /// <param name="resolvePath">Makes a path absolute: a plan runs elsewhere.</param>
    /// <param name="resolveProject">Makes a compose project's folder absolute, and leaves its name.</param>
    /// <exception cref="BackupException">A parameter does not exist, cannot stand in a plan, or does not go with another.</exception>
    public static PlanParameterDictionary Read(IDictionary table, CommandInfo command, Func<string, string> resolvePath, Func<string, string> resolveProject)
    {
        var values = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry pair in table)
        {
            ParameterMetadata parameter = Find(command, $"{pair.Key}");
            if (s_refused.TryGetValue(parameter.Name, out string? why))
                throw Invalid($"-{parameter.Name} cannot stand in a plan: {why}.", "Leave it out.");
            object? value = PlanValues.ForPlan(parameter.Name, pair.Value);
            if (s_paths.Contains(parameter.Name))
                value = Each(value, text => text.Contains("://", StringComparison.Ordinal) ? text : resolvePath(text));
            else if (parameter.Name == "ComposeProject")
                value = Each(value, resolveProject);
            else if (parameter.Name == "Recipient")
                value = Each(value, text => text.StartsWith("age1", StringComparison.OrdinalIgnoreCase) ? text : resolvePath(text));
            RequireType(parameter, value);
            if (!values.TryAdd(parameter.Name, value))
                throw Invalid($"-{parameter.Name} is given twice.", "Give each parameter once.");
        }

        RequireSet(command, values.Keys);
        return new PlanParameterDictionary(values);
    }

    private static ParameterMetadata Find(CommandInfo command, string name)
    {
        ParameterMetadata[] own = [.. command.Parameters.Values.Where(parameter => !Cmdlet.CommonParameters.Contains(parameter.Name) || parameter.Name is "WhatIf" or "Confirm")];
        ParameterMetadata[] found = [.. own.Where(parameter => parameter.Name.Equals(name, StringComparison.OrdinalIgnoreCase) || parameter.Aliases.Contains(name, StringComparer.OrdinalIgnoreCase))];
        return found is [var one] ? one : throw Invalid(
            $"{command.Name} has no parameter -{name}.", $"Its parameters are: {string.Join(", ", own.Select(parameter => parameter.Name).Except(s_refused.Keys, StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase))}.");
    }

    private static object? Each(object? value, Func<string, string> change) => value switch
    {
        string text => change(text),
        object?[] list => list.Select(item => Each(item, change)).ToArray(),
        _ => value,
    };

    private static void RequireType(ParameterMetadata parameter, object? value)
    {
        if (value is PlanParameterDictionary)
        {
            if (parameter.ParameterType != typeof(PSCredential))
                throw Invalid($"-{parameter.Name} takes no table.", "Give a text or a list of texts.");
            return;
        }

        if (PlanValues.IsSecret(parameter.Name) && value is string reference)
        {
            SecretReference.Parse(reference, "-" + parameter.Name);
            return;
        }

        try
        {
            Type type = parameter.SwitchParameter ? typeof(bool) : Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
            object? converted = LanguagePrimitives.ConvertTo(value, type, System.Globalization.CultureInfo.InvariantCulture);
            foreach (ValidateSetAttribute set in parameter.Attributes.OfType<ValidateSetAttribute>())
            {
                if (converted is string text && !set.ValidValues.Contains(text, StringComparer.OrdinalIgnoreCase))
                    throw Invalid($"-{parameter.Name} cannot be '{text}'.", $"Its values are {string.Join(", ", set.ValidValues)}.");
            }
        }
        catch (PSInvalidCastException exception)
        {
            throw Invalid($"-{parameter.Name} cannot be '{value}': {exception.Message}", "Give it as New-DbBackup takes it.");
        }
    }

    private static void RequireSet(CommandInfo command, Dictionary<string, object?>.KeyCollection given)
    {
        bool Fits(CommandParameterSetInfo set) => given.All(name => set.Parameters.Any(parameter => parameter.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
            && set.Parameters.Where(parameter => parameter.IsMandatory).All(parameter => given.Contains(parameter.Name, StringComparer.OrdinalIgnoreCase));
        if (given.Count == 0 || !command.ParameterSets.Any(Fits))
        {
            throw Invalid(
                given.Count == 0 ? "An entry of -Backup is empty." : $"The parameters {string.Join(", ", given.Select(name => "-" + name))} do not go together, or lack one that says what is backed up.",
                "Write them as for New-DbBackup: Get-Help New-DbBackup shows which go together.");
        }
    }

    private static BackupFailure Invalid(string message, string hint) => new(ErrorCodes.PlanInvalid, FailureCategory.InvalidArgument, message, hint);
}
