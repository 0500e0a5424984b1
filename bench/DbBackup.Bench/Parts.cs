namespace DbBackup.Bench;

/// <summary>What can be measured, in the order of the report.</summary>
internal static class Parts
{
    public static IReadOnlyDictionary<string, Action<BenchRun>> All { get; } = new Dictionary<string, Action<BenchRun>>
    {
        ["machine"] = MachinePart.Print,
        ["backup"] = BackupPart.Measure,
        ["encryption"] = EncryptionPart.Measure,
        ["copy"] = CopyPart.Measure,
        ["incremental"] = IncrementalPart.OfSqlite,
        ["incremental-postgresql"] = IncrementalPart.OfPostgreSql,
        ["incremental-files"] = IncrementalPart.OfFiles,
        ["memory"] = MemoryPart.Measure,
        ["restore"] = RestorePart.Measure,
        ["postgresql"] = PostgreSqlPart.Measure,
        ["postgresql-memory"] = PostgreSqlMemoryPart.Measure,
        ["postgresql-giant"] = PostgreSqlGiantPart.Measure,
        ["docker"] = DockerPart.Measure,
        ["list"] = ListPart.Measure,
        ["fleet"] = FleetPart.Measure,
        ["retention-30-days"] = MonthPart.Measure,
        ["retention"] = RetentionPart.Measure,
        ["import"] = ImportPart.Measure,
    };
}
