// Microseconds of an all-reduce of floats, by size: mpicc -O2 bench/allreduce.c -o target/allreduce && mpirun -n 2 target/allreduce
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1 << 24, ROUNDS = 31 };

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    int rank, size;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    float *own = malloc(MOST * sizeof *own), *sum = malloc(MOST * sizeof *sum);
    for (int i = 0; i < MOST; i++) own[i] = sum[i] = (float)i;
    for (int count = 1; count <= MOST; count *= 16) {
        double seconds[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            MPI_Barrier(MPI_COMM_WORLD);
            double start = MPI_Wtime();
            MPI_Allreduce(own, sum, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
            seconds[round] = MPI_Wtime() - start;
        }
        qsort(seconds, ROUNDS, sizeof *seconds, ascending);
        if (rank == 0) printf("%d ranks, %8d floats: %10.1f us\n", size, count, 1e6 * seconds[ROUNDS / 2]);
    }
    free(own);
    free(sum);
    MPI_Finalize();
}
