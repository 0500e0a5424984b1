using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>One thing that is done to a scheduler: a file that is written or removed, or a program that is run.</summary>
public abstract record SchedulerStep
{
    /// <summary>What it does, exactly, for people.</summary>
    public abstract string Text { get; }

    internal abstract void Run(SchedulerHost host);
}

/// <summary>Writes a file: whole or not at all.</summary>
/// <param name="Path">The file.</param>
/// <param name="Content">Its content.</param>
internal sealed record SchedulerFile(string Path, string Content) : SchedulerStep
{
    internal Encoding Encoding { get; init; } = new UTF8Encoding(false);

    /// <inheritdoc/>
    public override string Text => $"Write {Path}:\n{Content.TrimEnd('\n')}";

    internal override void Run(SchedulerHost host)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        // systemd and cron read neither hidden files nor those with a dot in their names.
        string part = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, "." + System.IO.Path.GetFileName(Path) + ".part");
        File.WriteAllText(part, Content, Encoding);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(part, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.Move(part, Path, overwrite: true);
        DurableFiles.FlushDirectory(System.IO.Path.GetDirectoryName(Path)!);
    }
}

/// <summary>Removes a file that may be missing.</summary>
/// <param name="Path">The file.</param>
internal sealed record SchedulerFileRemoval(string Path) : SchedulerStep
{
    /// <inheritdoc/>
    public override string Text => $"Remove {Path}";

    internal override void Run(SchedulerHost host) => File.Delete(Path);
}

/// <summary>Runs a program.</summary>
/// <param name="Program">Its name.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Input">What it reads; null for nothing.</param>
internal sealed record SchedulerProgram(string Program, IReadOnlyList<string> Arguments, string? Input = null) : SchedulerStep
{
    /// <summary>True if its failure is none of this change's.</summary>
    internal bool MayFail { get; init; }

    /// <inheritdoc/>
    public override string Text => $"Run {Program} {string.Join(' ', Arguments.Select(argument => argument.Contains(' ', StringComparison.Ordinal) ? $"\"{argument}\"" : argument))}{(Input is null ? string.Empty : $" with:\n{Input.TrimEnd('\n')}")}";

    internal override void Run(SchedulerHost host)
    {
        (int exitCode, string output, string errors) = host.Run(Program, Arguments, Input);
        if (exitCode == 0 || MayFail)
            return;
        string said = errors.Length > 0 ? errors : output;
        throw new BackupFailure(
            ErrorCodes.SchedulerFailed,
            FailureCategory.Refused,
            $"'{Program} {string.Join(' ', Arguments)}' failed with exit code {exitCode}: {said.Trim()}",
            "Correct what it says, then try again, or choose another scheduler with -Scheduler.")
        { Target = Program };
    }
}
