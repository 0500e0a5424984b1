using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Plans.Definitions;

/// <summary>A file of a plan, read or not.</summary>
/// <param name="Name">The plan's name.</param>
/// <param name="Path">The file.</param>
/// <param name="Plan">The plan; null where it cannot be read.</param>
/// <param name="Problem">Why not.</param>
public sealed record PlanFile(string Name, string Path, BackupPlan? Plan, BackupException? Problem);

/// <summary>The files of the plans in a folder, one each: JSON, or the YAML that a person wrote.</summary>
public sealed class PlanStore(PlanFolders folders)
{
    private const string Json = ".json";
    private const string Part = ".part";
    private const long LongestPlan = 4 << 20;
    private static readonly string[] s_extensions = [Json, ".yaml", ".yml"];

    /// <summary>The folders.</summary>
    public PlanFolders Folders => folders;

    /// <summary>Lists the plans by name; one that cannot be read is listed with the reason.</summary>
    public IReadOnlyList<PlanFile> List()
    {
        if (!Directory.Exists(folders.Plans))
            return [];
        var files = new List<PlanFile>();
        foreach (string path in Directory.EnumerateFiles(folders.Plans).Where(path => s_extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            try
            {
                files.Add(new PlanFile(name, path, Read(path, explicitly: false), null));
            }
            catch (BackupException problem)
            {
                files.Add(new PlanFile(name, path, null, problem));
            }
        }

        return [.. files.OrderBy(file => file.Name, StringComparer.OrdinalIgnoreCase).ThenBy(file => file.Path, StringComparer.Ordinal)];
    }

    /// <summary>Finds a plan; null where there is none.</summary>
    /// <exception cref="BackupException">It cannot be read, or two files have its name.</exception>
    public BackupPlan? Find(string name)
    {
        PlanFile[] found = [.. List().Where(file => file.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
        if (found.Length > 1)
            throw Invalid(found[1].Path, $"'{found[0].Path}' is a plan of the same name", "Remove one of the two files.");
        return found is [var file] ? file.Plan ?? throw file.Problem! : null;
    }

    /// <summary>Reads the plan of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="explicitly">True if a person named this file; else one that others could have written is refused, since it says what is run.</param>
    /// <exception cref="BackupException">It is missing or no plan.</exception>
    public BackupPlan Read(string path, bool explicitly)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        BackupName.Require(name, "plan");
        try
        {
            if (!explicitly && WhyForeign(path) is { } why)
                throw Invalid(path, why, "A plan says what is run, so only its owner may write it: chown and chmod go-w the file and its folder, or pass the file with -Path.");
            byte[] content = ReadAll(path);
            BackupPlan plan = Path.GetExtension(path).Equals(Json, StringComparison.OrdinalIgnoreCase)
                ? PlanJson.Read(content, name)
                : PlanYaml.Read(new UTF8Encoding(false, true).GetString(content), name);
            return plan with { Path = path, Scope = folders.Scope };
        }
        catch (Exception exception) when (exception is JsonException or DecoderFallbackException)
        {
            throw Invalid(path, exception.Message, "Correct the file, or write it anew with Register-DbBackupPlan -Force.", exception);
        }
        catch (NotSupportedException exception)
        {
            throw Invalid(path, exception.Message, "Update the module DbBackup on this machine.", exception);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BackupFailure(ErrorCodes.PlanNotFound, FailureCategory.NotFound, $"The plan '{path}' does not exist.", "List the plans with Get-DbBackupPlan.", exception) { Target = path };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Invalid(path, exception.Message, "Read it as the user whose plan it is.", exception);
        }
    }

    /// <summary>Writes a plan as JSON: whole or not at all.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="replace">True if one of that name is replaced.</param>
    /// <returns>The plan as it is read back.</returns>
    /// <exception cref="BackupException">One exists, or the file cannot be written.</exception>
    public BackupPlan Write(BackupPlan plan, bool replace)
    {
        ArgumentNullException.ThrowIfNull(plan);
        BackupName.Require(plan.Name, "plan");
        string path = Path.Combine(folders.Plans, plan.Name + Json);
        PlanFile? there = List().FirstOrDefault(file => file.Name.Equals(plan.Name, StringComparison.OrdinalIgnoreCase));
        if (there is not null && !replace)
        {
            throw new BackupFailure(
                ErrorCodes.PlanExists, FailureCategory.AlreadyExists, $"A plan '{there.Name}' exists: '{there.Path}'.", "Change it with Set-DbBackupPlan, or replace it with Register-DbBackupPlan -Force.")
            { Target = plan.Name };
        }

        if (there is not null && !there.Path.EndsWith(Json, StringComparison.OrdinalIgnoreCase))
            throw Invalid(there.Path, "it is YAML with whatever a person noted in it, which would be lost", "Edit the file; or remove it first (Unregister-DbBackupPlan), then register the plan.");
        path = there?.Path ?? path;
        try
        {
            UserDataFolder.Create(folders.Plans);
            string part = path + Part;
            File.Delete(part);
            using (FileStream file = PrivateFiles.CreateNew(part))
            {
                file.Write(PlanJson.Write(plan));
                file.Flush(flushToDisk: true);
            }

            File.Move(part, path, overwrite: true);
            DurableFiles.FlushDirectory(folders.Plans);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(path, exception);
        }

        return Read(path, explicitly: false);
    }

    /// <summary>Removes a plan's file. The records of its runs stay.</summary>
    /// <exception cref="BackupException">It cannot be removed.</exception>
    public void Remove(string path)
    {
        try
        {
            File.Delete(path);
            DurableFiles.FlushDirectory(folders.Plans);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw NotWritten(path, exception);
        }
    }

    /// <summary>The failure for a name that no plan has.</summary>
    public static BackupFailure NotFound(string name, IReadOnlyList<string> known) => new(
        ErrorCodes.PlanNotFound,
        FailureCategory.NotFound,
        $"There is no plan '{name}'.",
        known.Count == 0 ? "Make one with Register-DbBackupPlan." : $"The plans are: {string.Join(", ", known)}.")
    { Target = name };

    private static byte[] ReadAll(string path)
    {
        using FileStream file = RegularFile.Open(path);
        if (file.Length > LongestPlan)
            throw Invalid(path, "it is longer than 4 MB", "Name the file of a plan.");
        byte[] content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    // Windows inherits the rights of the profile, or of ProgramData, where everybody may create and nobody may change another's files.
    private string? WhyForeign(string path)
    {
        if (OperatingSystem.IsWindows() || !UnixFile.TryStatFollow(path, out UnixFileFacts facts) || !UnixFile.TryStatFollow(folders.Plans, out UnixFileFacts folder))
            return null;
        bool IsOwners(UnixFileFacts of) => of.UserId == 0 || (folders.Scope == PlanScope.User && of.UserId == UnixFile.EffectiveUserId);
        const UnixFileMode OfOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        return !IsOwners(facts) || !IsOwners(folder) ? "it, or its folder, belongs to another user"
            : ((facts.Permissions | folder.Permissions) & OfOthers) != 0 ? "other users may write it or its folder"
            : null;
    }

    private static BackupFailure Invalid(string path, string why, string hint, Exception? inner = null) =>
        new(ErrorCodes.PlanInvalid, FailureCategory.InvalidData, $"'{path}' cannot be used as a plan: {why}", hint, inner) { Target = path };

    private static BackupFailure NotWritten(string path, Exception exception) => new(
        ErrorCodes.WriteFailed,
        exception is UnauthorizedAccessException ? FailureCategory.PermissionDenied : FailureCategory.WriteError,
        $"The plan '{path}' could not be written: {exception.Message}",
        exception is UnauthorizedAccessException ? "Run this as an administrator, or leave -Scope Machine out." : "Make room or correct the folder's rights, then try again.",
        exception)
    { Target = path };
}
