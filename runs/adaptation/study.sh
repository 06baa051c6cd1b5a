#!/bin/sh
# What an encoder gains and forgets when it is adapted to a domain: sh runs/adaptation/study.sh DATA OUT; python runs/adaptation/table.py OUT
#
# Not run yet beyond a trial of its commands. The domain is movie reviews, and all other files of DATA/minibaby are general text. Primary metric, named beforehand: accuracy on mr (is a review good?).
# STEPS of the general run, EPOCHS of the domain, SEEDS and MORE options of every training may be given.
set -e
data=$1
out=$2
mkdir -p "$out"
for part in train valid; do
    mkdir -p "$out/$part"
    for file in "$data/minibaby/$part"/*.txt; do
        case $file in */movie_reviews.txt) ;; *) cat "$file" && printf '\n\n' ;; esac
    done > "$out/$part/general.txt"
done

adapted() {
    seed=$1
    name=$2
    begin=$3
    shift 3
    maskwright train adapt training.init_from="$out/$seed-$begin" "corpus.files=[$data/minibaby/train/movie_reviews.txt]" \
        "corpus.valid=[$data/minibaby/valid/movie_reviews.txt]" evaluation.knew="$out/valid/general.txt" \
        training.epochs="${EPOCHS:-3}" seed="$seed" "$@" $MORE --quiet --out "$out/$seed-$name"
}

for seed in ${SEEDS:-0 1 2}; do
    general="corpus.files=[$out/train/general.txt] corpus.valid=[$out/valid/general.txt]"
    maskwright train quickstart $general training.steps="${STEPS:-5000}" seed="$seed" $MORE --quiet --out "$out/$seed-general"
    maskwright train quickstart $general training.steps=1 optimizer.lr=1e-12 seed="$seed" $MORE --quiet --out "$out/$seed-random"
    adapted "$seed" scratch random
    adapted "$seed" mlm general
    adapted "$seed" span general objective.name=span
    adapted "$seed" adaptive general objective.name=adaptive
    adapted "$seed" words general tokenizer.new_words=500
    for arm in random general scratch mlm span adaptive words; do
        maskwright evaluate "$out/$seed-$arm" classification --data "$data/finetune/mr" seeds=1
        maskwright evaluate "$out/$seed-$arm" tagging --data "$data/masc_pos" seeds=1
    done
done
