using Mono.Cecil;

namespace DbBackup.Tests.Unit.Architecture;

/// <summary>
/// What others can put something into is opened and deleted by Platform alone: FolderRemoval deletes by handles, RootedFolder opens below a
/// repository's folder, OwnFile opens journals and locks, RegularFile opens files of others without waiting for a FIFO.
/// </summary>
public sealed class FileDoorTests
{
    private const string Staged = "files of a staging folder, which is this user's alone, under names of ours";
    private const string Kernel = "the kernel's own files";
    private const string ProjectFiles = "the files of the user's own project";

    // Who opens a file by its path without them, and why it can.
    private static readonly Dictionary<string, string> Opening = new()
    {
        ["DbBackup.Upgrades.Deployments.ComposeFiles.ComposeFileChange"] = ProjectFiles,
        ["DbBackup.Upgrades.Deployments.ComposeFiles.ComposeFileRecord"] = ProjectFiles,
        ["Docker.Addressing.ComposeCommand"] = ProjectFiles,
        ["Docker.Addressing.OwnContainer"] = Kernel,
        ["Docker.Api.ContainerHost"] = Staged,
        ["Docker.Api.ContainerPipe"] = Kernel,
        ["Docker.Api.DockerClient"] = Kernel,
        ["Docker.Api.DockerContexts"] = "the user's own configuration of Docker",
        ["Docker.Files.ContainerSqlite"] = Staged,
        ["Docker.Files.DockerFilesSource"] = Staged,
        ["Docker.Files.SplitArchive"] = Staged,
        ["Docker.Restore.UploadArchive"] = Staged,
        ["Engines.Files.FolderArchiveRun"] = "Windows, which has no FIFOs; elsewhere UnixFile opens",
        ["Engines.ForeignFile"] = Staged,
        ["Engines.PostgreSql.Connect.PostgreSqlEnvironment"] = "the user's own files of passwords and services",
        ["Engines.PostgreSql.Dump.ArchiveInput"] = Staged,
        ["Engines.PostgreSql.Load.StagedDump"] = Staged,
        ["Engines.PostgreSql.Rows.FolderRows"] = Staged,
        ["Engines.PostgreSql.Rows.TableText"] = Staged,
        ["Engines.PostgreSql.Verify.SchemaText"] = Staged,
        ["Engines.Sqlite.SqlDump"] = Staged,
        ["Engines.Sqlite.SqlDumpSource"] = Staged,
        ["Engines.Sqlite.SqliteCopy"] = Staged,
        ["Engines.Sqlite.SqliteExport"] = Staged,
        ["Engines.Sqlite.SqliteHold"] = Staged,
        ["Engines.Sqlite.SqliteSnapshot"] = "a new file, which tells whether the folder can be written to",
        ["Engines.Sqlite.SqliteSource"] = Staged,
        ["Plans.Status.StatusFiles"] = "the files of reports and figures, in a folder that the user names",
        ["Portability.BackupExporter"] = Staged,
        ["Plans.Schedules.SchedulerFile"] = "the folders of the machine's scheduler, or of this user's",
        ["Restores.Files.SetAsideDatabase"] = Staged,
        ["Restores.Files.StagedDatabase"] = Staged,
    };

    [Fact]
    public void Folders_are_deleted_with_what_is_in_them_by_handles_alone() => Assert.Empty(
        Callers(method => method is { Name: "Delete", DeclaringType.FullName: "System.IO.Directory", Parameters.Count: 2 } or { Name: "Delete", DeclaringType.FullName: "System.IO.DirectoryInfo", Parameters.Count: 1 }));

    [Fact]
    public void Files_are_opened_by_their_paths_by_those_that_are_known() => Assert.Equal(Opening.Keys.Order(StringComparer.Ordinal), Callers(IsOpening));

    private static bool IsOpening(MethodReference method) => method.DeclaringType.FullName switch
    {
        "System.IO.FileStream" or "System.IO.StreamReader" or "System.IO.StreamWriter" => method.Name == ".ctor" && method.Parameters[0].ParameterType.FullName == "System.String",
        "System.IO.File" => method.Name.StartsWith("Open", StringComparison.Ordinal) || method.Name.StartsWith("Read", StringComparison.Ordinal)
            || method.Name.StartsWith("Write", StringComparison.Ordinal) || method.Name.StartsWith("Append", StringComparison.Ordinal) || method.Name is "Create" or "CreateText" or "Copy",
        "System.IO.FileInfo" => method.Name.StartsWith("Open", StringComparison.Ordinal) || method.Name is "Create" or "CreateText" or "AppendText" or "CopyTo",
        _ => false,
    };

    private static string[] Callers(Func<MethodReference, bool> isSought) =>
    [
        .. new[] { "DbBackup.Engine", "DbBackup.Upgrades", "DbBackup.PowerShell" }.SelectMany(CompiledCode.TypesOf).Where(type => type.Namespace != "DbBackup.Engine.Platform")
            .Where(type => WithNested(type).SelectMany(each => each.Methods).Any(method => method.HasBody && method.Body.Instructions.Any(each => each.Operand is MethodReference called && isSought(called))))
            .Select(type => type.FullName.StartsWith("DbBackup.Engine.", StringComparison.Ordinal) ? type.FullName["DbBackup.Engine.".Length..] : type.FullName)
            .Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<TypeDefinition> WithNested(TypeDefinition type) => type.NestedTypes.SelectMany(WithNested).Prepend(type);
}
